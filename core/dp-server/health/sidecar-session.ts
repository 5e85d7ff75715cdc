import { workloadsOf } from "../../model/dataplane/probes.ts";
import type { SidecarHealth } from "../../model/dataplane/sidecar-health.ts";
import type { DataplaneSpec } from "../../model/types/dataplane.ts";
import { FollowingSession } from "./following-session.ts";
import type { JoinedHealth, ProxyHealthDeps } from "./proxy-health.ts";

/** The health stream of our own sidecar, which probes by itself and reports each change at once (docs/wire.md). */
export class SidecarSession extends FollowingSession<SidecarHealth> {
  readonly #deps: ProxyHealthDeps;

  constructor(deps: ProxyHealthDeps, joined: JoinedHealth) {
    super(deps, joined);
    this.#deps = deps;
  }

  onReport(health: SidecarHealth): void {
    this.report(health);
  }

  protected instruct(dataplane: DataplaneSpec): Uint8Array {
    return Buffer.from(JSON.stringify({ workloads: workloadsOf(dataplane, this.#deps.hds.checkDefaults) }));
  }
}
