import type { EventKind } from "../events/event.ts";
import { formatDuration } from "../kernel/duration.ts";
import type { LogLevel } from "../kernel/log.ts";
import {
  inboundAddress,
  inboundsOf,
  outboundsOf,
  serviceAddress,
  serviceOf,
  servicePort,
} from "../model/dataplane/access.ts";
import type { DataplaneSpec } from "../model/dataplane/spec.ts";
import type { PresenceSpec } from "../model/dataplane-presence.ts";
import { envoyEndText } from "./transition.ts";

export interface PresenceNews {
  readonly level: LogLevel;
  readonly kind: EventKind;
  readonly detail: string;
}

/** What a committed change of a record is worth saying; undefined when it is not. `after` is `delete` when the Dataplane was deleted. */
export function newsOf(
  before: PresenceSpec | undefined,
  after: PresenceSpec | "delete",
  dataplane: DataplaneSpec | undefined,
): PresenceNews | undefined {
  if (after === "delete") {
    if (before?.state === "left") return undefined;
    return { level: "info", kind: "deleted", detail: before ? `absent for too long: ${before.reason}` : "" };
  }
  if (before?.state === after.state && before.incarnation === after.incarnation) return newsOfHealth(before, after);
  switch (after.state) {
    case "connected":
      return newsOfArrival(before, after, dataplane);
    case "leaving":
      return after.leave === "draining" ? { level: "info", kind: "leaving", detail: after.reason } : undefined;
    case "lost":
      return { level: "warn", kind: "lost", detail: `${after.reason}${after.endpoints === "degraded" ? LAST : ""}` };
    case "offline":
      return { level: "warn", kind: "offline", detail: after.reason };
    case "left":
      return { level: "info", kind: "gone", detail: after.ownsDataplane ? "" : "its Dataplane stays, Offline" };
  }
}

/** What the sidecar of a connected proxy says of its applications. The first report after a join is no news. */
function newsOfHealth(before: PresenceSpec, after: PresenceSpec): PresenceNews | undefined {
  if (after.state !== "connected") return undefined;
  const down = after.notReady.filter((port) => !before.notReady.includes(port));
  const up = before.notReady.filter((port) => !after.notReady.includes(port));
  const { trouble } = after;
  if (trouble !== undefined && trouble !== before.trouble) {
    const ports = down.length > 0 ? `; port ${down.join(", ")} gets no traffic` : "";
    return { level: "warn", kind: "not-ready", detail: `${trouble}${ports}` };
  }
  if (down.length > 0) {
    return {
      level: "warn",
      kind: "not-ready",
      detail: `nothing is ready behind port ${down.join(", ")}; it gets no traffic`,
    };
  }
  if (up.length === 0 && before.trouble !== undefined && trouble === undefined)
    return { level: "info", kind: "ready", detail: "Envoy answers again" };
  const isFirst = before.healthSequence === undefined && after.healthSequence !== undefined;
  if (up.length === 0 || isFirst) return undefined;
  return { level: "info", kind: "ready", detail: `port ${up.join(", ")} gets traffic again` };
}

const LAST = "; used only when nothing else is left";

function newsOfArrival(
  before: PresenceSpec | undefined,
  after: PresenceSpec,
  dataplane: DataplaneSpec | undefined,
): PresenceNews | undefined {
  if (before?.state === "lost" || before?.state === "offline") {
    return {
      level: "info",
      kind: "back",
      detail: `after ${formatDuration(Math.max(0, after.since - before.lastSeen))}${envoyEndText(after.envoyEnd)}`,
    };
  }
  if (before?.state === "leaving" && before.leave === "draining" && before.incarnation === after.incarnation) {
    return { level: "info", kind: "back", detail: after.reason };
  }
  // Restarted or reconnected before its end was noticed; if the older one is still there, that is said elsewhere.
  if (before?.state === "connected")
    return { level: after.envoyEnd ? "info" : "debug", kind: "back", detail: after.reason };
  return { level: "info", kind: "joined", detail: dataplane ? servesText(dataplane) : "" };
}

/** `service redis, 192.168.0.1:9000 -> 127.0.0.1:6379, uses backend`. */
export function servesText(dataplane: DataplaneSpec): string {
  const parts = inboundsOf(dataplane).map((inbound) => {
    const service = serviceOf(inbound);
    const from = hostPort(inboundAddress(dataplane, inbound), inbound.port);
    const to = hostPort(serviceAddress(inbound), servicePort(inbound));
    return `${service ? `service ${service}, ` : ""}${from} -> ${to}`;
  });
  const uses = [...new Set(outboundsOf(dataplane).flatMap((outbound) => outbound.service ?? []))];
  if (uses.length > 0) parts.push(`uses ${uses.join(" ")}`);
  return parts.join(", ");
}

function hostPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The host of a remote address `host:port`. */
export function hostOf(peer: string): string {
  return peer.replace(/:\d+$/, "");
}
