import type { XdsType } from "../envoy/encoded-resource.ts";
import type { Channel } from "./channel.ts";

/** How long a type waits for the answer to an earlier one before it goes on without. */
export const GATE_MS = 5000;
/**
 * How long removals wait after the last listener or route was acknowledged. Envoy acknowledges before its workers apply,
 * and connections that are being drained still use the old routes.
 */
export const REMOVAL_DELAY_MS = 1000;

type Channels = Readonly<Record<XdsType, Channel<never>>>;

/** Whether a group of types may be sent now, and when to look again if it must wait. */
export interface Gate {
  readonly open: boolean;
  /** Monotonic; undefined when time alone does not open it. */
  readonly lookAgainAt: number | undefined;
}

const OPEN: Gate = { open: true, lookAgainAt: undefined };
const CLOSED: Gate = { open: false, lookAgainAt: undefined };

/**
 * The order of one stream: clusters, endpoints, secrets; when Envoy acknowledged the clusters (it does so when they are warm)
 * listeners and routes; when those are acknowledged, removals. An answer that does not come holds a gate for GATE_MS. A
 * NACK of clusters opens it at once, as waiting would change nothing; a NACK of a listener or route keeps removals back,
 * because Envoy goes on with the old one and what that refers to.
 */
export class MakeBeforeBreak {
  readonly #channels: Channels;
  #clustersBy = 0;
  #referrersBy = 0;
  #removalsFrom = 0;

  constructor(channels: Channels) {
    this.#channels = channels;
  }

  sent(type: XdsType, now: number): void {
    if (type === "cluster") this.#clustersBy = now + GATE_MS;
    else if (type === "listener" || type === "route") this.#referrersBy = now + GATE_MS;
  }

  answered(type: XdsType, now: number): void {
    if (type === "listener" || type === "route") this.#removalsFrom = now + REMOVAL_DELAY_MS;
  }

  /** The gate in front of listeners and routes. */
  referrers(now: number): Gate {
    if (!this.#channels.cluster.unanswered || now >= this.#clustersBy) return OPEN;
    return { open: false, lookAgainAt: this.#clustersBy };
  }

  /** The gate in front of removals; asked if there are some, when listeners and routes have nothing more to send. */
  removals(now: number): Gate {
    const { listener, route } = this.#channels;
    if (listener.refused || route.refused) return CLOSED;
    const from = listener.unanswered || route.unanswered ? this.#referrersBy : this.#removalsFrom;
    if (now < from) return { open: false, lookAgainAt: from };
    // New clusters first, whatever the routes may need of them.
    return this.referrers(now);
  }
}
