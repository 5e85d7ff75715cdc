import type { Resource } from "../../model/resource.ts";
import type { DataplaneSpec } from "../../model/types/dataplane.ts";
import type { HealthReport } from "../../presence/presence.ts";
import type { ProxyId } from "../../push/snapshot.ts";
import type { HealthSession } from "../../xds/stream-events.ts";
import type { DataplaneWatch } from "./dataplane-watch.ts";
import type { JoinedHealth, ProxyHealthDeps } from "./proxy-health.ts";
import { ReportPump } from "./report-pump.ts";

/** One health stream: follows the stored Dataplane, tells the proxy what to probe when that changes, hands reports to presence. */
export abstract class FollowingSession<Report> implements HealthSession<Report> {
  readonly #proxy: ProxyId;
  readonly #watch: DataplaneWatch;
  readonly #pump: ReportPump;
  /** As it was when the stream was accepted; not kept longer than it takes to tell. */
  #dataplane: Resource<DataplaneSpec> | undefined;
  /** Revision of the Dataplane that the proxy was told about. */
  #revision = 0;
  #told: Uint8Array = Buffer.alloc(0);

  constructor({ clock, presence }: ProxyHealthDeps, joined: JoinedHealth) {
    const { proxy, incarnation, signal } = joined;
    this.#proxy = proxy;
    this.#watch = joined.watch;
    this.#dataplane = joined.dataplane;
    this.#pump = new ReportPump({
      clock,
      signal,
      deliver: (report) => presence.report(proxy, incarnation, report),
    });
  }

  subscribe(onMessage: (message: Uint8Array) => void): Disposable {
    const tell = (newest: Resource<DataplaneSpec> | undefined) => {
      if (!newest || newest.revision <= this.#revision) return;
      this.#revision = newest.revision;
      const message = this.instruct(newest.spec);
      if (Buffer.compare(message, this.#told) === 0) return;
      this.#told = message;
      onMessage(message);
    };
    tell(this.#dataplane);
    this.#dataplane = undefined;
    return this.#watch.follow(this.#proxy, tell);
  }

  abstract onReport(report: Report): void;

  onClose(): void {
    // The ADS stream of the same proxy says whether it is lost; what is known of its applications stays known.
  }

  /** The message that tells the proxy what to probe. */
  protected abstract instruct(dataplane: DataplaneSpec): Uint8Array;

  protected report(report: HealthReport): void {
    this.#pump.offer(report);
  }
}
