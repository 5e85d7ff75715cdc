import type { ChangeOutcome } from "../events/event.ts";
import { token } from "../kernel/token.ts";
import type { Freshness } from "./freshness.ts";
import type { ProxyId } from "./snapshot.ts";

/** Store revisions, both ends included. */
export interface RevisionRange {
  readonly from: number;
  readonly to: number;
}

/** Which proxies run which configuration, for whoever shows it. Answered from memory. */
export interface Configurations {
  /** Undefined when this control plane holds no stream of the proxy, or has given it nothing yet. */
  freshness(proxy: ProxyId): Freshness | undefined;
  /**
   * What became of a change that was committed at `from` or later, and at `to` at the latest: resolves when every connected
   * proxy of the mesh whose configuration was altered since `from` has acknowledged that, or the signal aborts. Changes that
   * were pushed together cannot be told apart. An empty `mesh` concerns nobody.
   */
  applied(mesh: string, revisions: RevisionRange, signal: AbortSignal): Promise<ChangeOutcome>;
}

export const Configurations = token<Configurations>("Configurations");
