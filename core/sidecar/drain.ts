import type { Clock } from "../kernel/clock.ts";
import type { EnvoyAdmin } from "./envoy/envoy-admin.ts";

/** What is open on the inbounds of an Envoy. */
export interface InboundTraffic {
  readonly connections: number;
  /** HTTP requests in flight; 0 for a TCP service. */
  readonly requests: number;
  /** All connections since Envoy was started. */
  readonly connectionsEver: number;
}

export interface DrainOptions {
  readonly admin: EnvoyAdmin;
  readonly clock: Clock;
  /** Milliseconds at the most. */
  readonly drainTime: number;
  /** Every consumer has confirmed that it knows: then a quiet proxy need not wait the whole time. */
  readonly withdrawnEverywhere: boolean;
  /** Aborts: the user does not want to wait any longer. */
  readonly signal: AbortSignal;
}

export interface DrainResult {
  /** How long it took, milliseconds. */
  readonly took: number;
  /** What was still open at the end; undefined if Envoy did not say. */
  readonly left: InboundTraffic | undefined;
  readonly ended: "quiet" | "time" | "hurry";
}

/** With nothing open for this long, nobody comes any more (design.md, Drain). */
const QUIET_MS = 1000;
const POLL_MS = 100;
/** Requests that are in flight when the drain time is over get this long, milliseconds. */
const LAST_REQUESTS_MS = 1000;
const LAST_POLL_MS = 10;

/**
 * Waits while Envoy finishes what is in flight. The whole drain time is waited, as Kuma does; it ends early only if the
 * withdrawal was confirmed by all, no inbound connection is open, and none came for a second. Consumers that do not know
 * come until the end: then they are refused, so that they go elsewhere, and what they have asked already is answered.
 */
export async function drain(options: DrainOptions): Promise<DrainResult> {
  const { admin, clock, drainTime, signal } = options;
  const started = clock.monotonic();
  const took = () => clock.monotonic() - started;
  let quietSince: number | undefined;
  let lastEver = -1;
  let left: InboundTraffic | undefined;
  while (!signal.aborted && took() < drainTime) {
    left = await inboundTraffic(admin);
    if (left && left.connections === 0 && left.connectionsEver === lastEver) quietSince ??= clock.monotonic();
    else quietSince = undefined;
    lastEver = left?.connectionsEver ?? -1;
    if (options.withdrawnEverywhere && quietSince !== undefined && clock.monotonic() - quietSince >= QUIET_MS) {
      return { took: took(), left, ended: "quiet" };
    }
    await clock.sleep(Math.min(POLL_MS, Math.max(1, drainTime - took())), signal).catch(() => undefined);
  }
  if (!signal.aborted) await finishRequests(options);
  return { took: took(), left: (await inboundTraffic(admin)) ?? left, ended: signal.aborted ? "hurry" : "time" };
}

/** Refuses new connections and waits a moment for the answers to what was asked on the old ones. */
async function finishRequests({ admin, clock, signal }: DrainOptions): Promise<void> {
  const until = clock.monotonic() + LAST_REQUESTS_MS;
  // An Envoy that does not answer has nothing to finish.
  await admin.stopListening("inbounds").catch(() => undefined);
  while (!signal.aborted && clock.monotonic() < until && ((await inboundTraffic(admin))?.requests ?? 0) > 0) {
    await clock.sleep(LAST_POLL_MS, signal).catch(() => undefined);
  }
}

/** Counts what is open on the inbound listeners; undefined when Envoy does not answer. */
export async function inboundTraffic(admin: EnvoyAdmin): Promise<InboundTraffic | undefined> {
  try {
    const names = (await admin.listeners())
      .filter((each) => each.name.startsWith("inbound:"))
      .map((each) => each.statName);
    if (names.length === 0) return { connections: 0, requests: 0, connectionsEver: 0 };
    const listeners = names.map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|");
    const stats = await admin.stats(
      `^listener\\.(${listeners})\\.downstream_cx_(active|total)$|^http\\.localhost_\\d+\\.downstream_rq_active$`,
    );
    const sum = (end: string) =>
      [...stats].reduce((total, [name, value]) => (name.endsWith(end) ? total + value : total), 0);
    return {
      connections: sum("downstream_cx_active"),
      requests: sum("downstream_rq_active"),
      connectionsEver: sum("downstream_cx_total"),
    };
  } catch {
    return undefined;
  }
}

/** `3 requests in flight`, `1 connection open`, `nothing open`. */
export function trafficText({ connections, requests }: InboundTraffic): string {
  if (requests > 0) return `${requests} request${requests === 1 ? "" : "s"} in flight`;
  if (connections > 0) return `${connections} connection${connections === 1 ? "" : "s"} open`;
  return "nothing open";
}
