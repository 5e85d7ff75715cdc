import { isIP } from "node:net";
import { MeshError } from "../../kernel/errors.ts";

/** Where the control plane's server for sidecars is. */
export interface ControlPlaneAddress {
  /** Without the brackets of IPv6. */
  readonly host: string;
  readonly port: number;
  /** `host:port`, for messages. */
  readonly text: string;
}

/** Port of the control plane's server for sidecars, unless it is configured otherwise. */
export const DP_SERVER_PORT = 5678;
/** Port of the control plane's REST API, unless it is configured otherwise. */
export const API_PORT = 5681;

/** Reads `--cp-address`: an https URL, whose path is not looked at (contract, section 2.5). MM100 when it is none. */
export function parseAddress(address: string): ControlPlaneAddress {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url?.protocol === "http:") {
    throw new MeshError("MM100", `the control plane's address ${address} is not https`, {
      why: "Sidecars talk to the control plane over TLS only.",
      todo: `--cp-address=https://${url.host}`,
    });
  }
  if (url?.protocol !== "https:" || !url.hostname) {
    throw new MeshError("MM100", `the control plane's address "${address}" is no https URL`, {
      todo: `--cp-address=https://HOST:${DP_SERVER_PORT}`,
    });
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  return addressOf(host, Number(url.port) || 443);
}

export function addressOf(host: string, port: number): ControlPlaneAddress {
  return { host, port, text: `${isIP(host) === 6 ? `[${host}]` : host}:${port}` };
}
