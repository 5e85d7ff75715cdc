import type { EventKind } from "../events/event.ts";
import type { EventLog } from "../events/event-log.ts";
import type { Clock } from "../kernel/clock.ts";
import type { ErrorCode } from "../kernel/error-table.ts";
import type { MeshError } from "../kernel/errors.ts";
import { type ProxyId, proxyText } from "../push/snapshot.ts";
import type { ProxyStream } from "./presence.ts";

/** The same line about the same proxy is said once in this time; milliseconds. A refused Envoy tries again every second. */
const QUIET_MS = 60_000;
const MOST_KEPT = 1000;

/** Says why a proxy may not join, without repeating itself. */
export class RefusalLog {
  readonly #events: EventLog;
  readonly #clock: Clock;
  readonly #said = new Map<string, number>();

  constructor(events: EventLog, clock: Clock) {
    this.#events = events;
    this.#clock = clock;
  }

  refused(stream: ProxyStream, error: MeshError): void {
    const detail = `${error.message} (from ${stream.peer})`;
    this.once(stream.proxy, "refused", detail, error.code);
  }

  once(proxy: ProxyId, kind: EventKind, detail: string, code?: ErrorCode): void {
    const now = this.#clock.monotonic();
    const key = `${proxyText(proxy)} ${kind} ${detail.replace(/:\d+\)?$/, "")}`;
    const said = this.#said.get(key);
    if (said !== undefined && now - said < QUIET_MS) return;
    this.#said.delete(key);
    this.#said.set(key, now);
    if (this.#said.size > MOST_KEPT) for (const oldest of this.#said.keys()) if (this.#said.delete(oldest)) break;
    const { mesh, name } = proxy;
    this.#events.tell({ kind, level: "warn", mesh, type: "Dataplane", name, detail, code });
  }
}
