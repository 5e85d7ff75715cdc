import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { MeshError } from "../../kernel/errors.ts";
import { type DataplaneSpec, inboundAddress, inboundsOf, outboundsOf } from "../../model/types/dataplane.ts";
import { machineAddressesText } from "./machine-addresses.ts";
import { holdersInTheWay, holderText } from "./socket-holders.ts";
import { type BindProblem, isShareable, testBind } from "./test-bind.ts";

interface WantedListener {
  readonly kind: "inbound" | "outbound";
  /** `networking.inbound[0]`. */
  readonly field: string;
  readonly address: string;
  readonly port: number;
}

export interface PortCheckOptions {
  /** Process of an Envoy that this sidecar left behind and will replace: it may hold the ports. */
  readonly replaced: number | undefined;
  /** `the sidecar of redis-1` if the process is another sidecar's Envoy. */
  describeProcess(pid: number): string | undefined;
}

export interface PortCheckResult {
  /** What could not be tried, a sentence each. */
  readonly notes: readonly string[];
  /** Whether the Envoy to be replaced lets another listen beside it; true when it has none of the ports. */
  readonly shareable: boolean;
}

/**
 * Tries every port that Envoy will listen on, before anything is started. Rejects with one MM202 that names who has each
 * port.
 */
export async function checkPorts(dp: DataplaneSpec, options: PortCheckOptions): Promise<PortCheckResult> {
  const problems: string[] = [];
  const notes: string[] = [];
  let shareable = true;
  let notHere = false;
  for (const wanted of wantedListeners(dp)) {
    const host = await resolveHost(wanted.address);
    const label = `${wanted.kind.padEnd(8)}  ${hostPort(wanted.address, wanted.port)}`;
    if (host === undefined) {
      notes.push(`${wanted.address} (${wanted.field}) has no address here yet; port ${wanted.port} was not tried`);
      continue;
    }
    const problem = await testBind(host, wanted.port);
    if (problem === undefined) continue;
    if (problem === "in-use" && replaceable(host, wanted.port, options)) {
      shareable &&= await isShareable(host, wanted.port);
      continue;
    }
    if (problem === "not-allowed")
      notes.push(`no right to listen on ${hostPort(wanted.address, wanted.port)}; Envoy will try`);
    else if (problem === "failed") notes.push(`${hostPort(wanted.address, wanted.port)} could not be tried`);
    else problems.push(`${label}  ${explain(problem, host, wanted.port, options)}`);
    notHere ||= problem === "not-here";
  }
  if (problems.length === 0) return { notes, shareable };
  throw new MeshError(
    "MM202",
    `${problems.length === 1 ? "a port" : `${problems.length} ports`} of the definition cannot be used here. Nothing was started.`,
    {
      where: problems.join("\n"),
      todo: notHere
        ? `This machine has ${machineAddressesText()}. Set networking.address to one of them.`
        : "Stop the other program, or change the port in the definition.",
    },
  );
}

function wantedListeners(dp: DataplaneSpec): WantedListener[] {
  const inbound = inboundsOf(dp).map(
    (each, index): WantedListener => ({
      kind: "inbound",
      field: `networking.inbound[${index}]`,
      address: inboundAddress(dp, each),
      port: each.port,
    }),
  );
  const outbound = outboundsOf(dp).map(
    (each, index): WantedListener => ({
      kind: "outbound",
      field: `networking.outbound[${index}]`,
      address: each.address,
      port: each.port,
    }),
  );
  return [...inbound, ...outbound];
}

/** A `networking.address` that is a name is the control plane's to resolve; here it is only tried. */
async function resolveHost(host: string): Promise<string | undefined> {
  if (isIP(host) !== 0) return host;
  try {
    return (await lookup(host)).address;
  } catch {
    return undefined;
  }
}

function replaceable(host: string, port: number, options: PortCheckOptions): boolean {
  const holders = holdersInTheWay(host, port);
  return options.replaced !== undefined && holders.length > 0 && holders.every((each) => each.pid === options.replaced);
}

function explain(problem: BindProblem, host: string, port: number, options: PortCheckOptions): string {
  if (problem === "not-here") return `is no address of this machine`;
  const holders = holdersInTheWay(host, port);
  if (holders.length === 0) return "in use";
  const names = holders.map((each) => holderText(each, options.describeProcess));
  return `${[...new Set(names)].join(" and ")} has it`;
}

export function hostPort(host: string, port: number): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}
