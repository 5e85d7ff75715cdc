import { isIP } from "node:net";
import { hostname, networkInterfaces } from "node:os";
import { domainToASCII } from "node:url";
import { MeshError } from "../kernel/errors.ts";
import { canonicalHost } from "../model/ip-address.ts";

const DNS_NAME = /^(\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/;

/** Names and addresses under which this machine may be reached: its name, localhost, every address, loopback included. */
export function machineHosts(): string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list?.map((each) => each.address) ?? []);
  // A machine may have a name that DNS does not allow; nobody can ask for it in TLS either.
  return unique([hostname(), "localhost", ...addresses].map(certificateHost));
}

/** The user's own names and addresses (`dpServer.hosts`). MM201 when one is neither. */
export function configuredHosts(hosts: readonly string[]): string[] {
  return unique(
    hosts.map((host) => {
      const valid = certificateHost(host);
      if (valid !== undefined) return valid;
      throw new MeshError("MM201", `dpServer.hosts: "${host}" is neither a DNS name nor an IP address`);
    }),
  );
}

/** The spelling of a host in a certificate, or undefined when it cannot stand there. */
function certificateHost(host: string): string | undefined {
  if (isIP(host) !== 0) return canonicalHost(host);
  const name = domainToASCII(host).toLowerCase();
  return name.length <= 253 && DNS_NAME.test(name) ? name : undefined;
}

function unique(hosts: readonly (string | undefined)[]): string[] {
  return [...new Set(hosts.filter((host) => host !== undefined))];
}
