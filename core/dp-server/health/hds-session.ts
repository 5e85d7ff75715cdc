import type { SpecifierInput, TcpCheck } from "../../envoy/health-check-specifier.ts";
import { ADMIN_CHECK, localClusterNames } from "../../envoy/names.ts";
import { type Workload, workloadsOf } from "../../model/dataplane/probes.ts";
import type { DataplaneSpec } from "../../model/types/dataplane.ts";
import type { ClusterHealth } from "../../xds/stream-events.ts";
import { FollowingSession } from "./following-session.ts";
import type { JoinedHealth, ProxyHealthDeps } from "./proxy-health.ts";

/** For an Envoy that does not say where its admin interface is (contract, section 1.4). */
const ADMIN_PORT = 9901;

/** HDS of a stock sidecar: its Envoy probes, and reports every few seconds (contract, section 5). */
export class HdsSession extends FollowingSession<readonly ClusterHealth[]> {
  readonly #deps: ProxyHealthDeps;
  readonly #encode: (input: SpecifierInput) => Uint8Array;
  readonly #admin: SpecifierInput["admin"];
  /** Inbound ports, each with the name of its check if it has one. */
  #checkOf: ReadonlyMap<number, string | undefined> = new Map();
  #adminWasGood = false;

  constructor(deps: ProxyHealthDeps, joined: JoinedHealth, encode: (input: SpecifierInput) => Uint8Array) {
    super(deps, joined);
    this.#deps = deps;
    this.#encode = encode;
    this.#admin = adminOf(joined.metadata);
  }

  onReport(clusters: readonly ClusterHealth[]): void {
    const results = new Map(clusters.map(({ cluster, healthy }) => [cluster, healthy]));
    const adminGood = results.get(ADMIN_CHECK) ?? true;
    this.#adminWasGood ||= adminGood;
    const ports = [...this.#checkOf];
    const probed = ports.filter(([, check]) => check !== undefined);
    const failing = probed.filter(([, check]) => !results.get(check ?? "")).map(([port]) => port);
    const reachable = adminGood || this.#adminWasGood;
    this.report({
      notReady: reachable ? failing : ports.map(([port]) => port),
      probed: probed.map(([port]) => port),
      draining: reachable ? !adminGood : undefined,
    });
  }

  protected instruct(dataplane: DataplaneSpec): Uint8Array {
    const { interval, checkDefaults, noTrafficInterval } = this.#deps.hds;
    const workloads = workloadsOf(dataplane, checkDefaults);
    const { checks, checkOf } = nameChecks(workloads);
    this.#checkOf = checkOf;
    return this.#encode({ interval, admin: this.#admin, defaults: checkDefaults, noTrafficInterval, checks });
  }
}

/** Names the checks as Kuma does; inbounds that lead to the same place share one. */
function nameChecks(workloads: readonly Workload[]) {
  const checks = new Map<string, TcpCheck>();
  const checkOf = new Map<number, string | undefined>();
  for (const { port, address, servicePort, probe } of workloads) {
    const name = localClusterNames(address, servicePort, "tcp").find((each) => {
      const taken = checks.get(each);
      return taken === undefined || taken.address === address;
    });
    if (probe && name !== undefined && !checks.has(name)) checks.set(name, { address, servicePort, probe });
    checkOf.set(port, probe ? name : checkOf.get(port));
  }
  return { checks, checkOf };
}

function adminOf(metadata: Readonly<Record<string, unknown>>): SpecifierInput["admin"] {
  const path = metadata["dataplane.admin.socketPath"];
  if (typeof path === "string" && path !== "") return { path };
  return { port: Number(metadata["dataplane.admin.port"]) || ADMIN_PORT };
}
