import type { Clock } from "../kernel/clock.ts";
import type { Logger } from "../kernel/log.ts";
import { token } from "../kernel/token.ts";
import type { EventNews, MeshEvent } from "./event.ts";
import { eventText } from "./event-text.ts";

/** Which events are wanted. What is absent does not restrict. */
export interface EventQuery {
  /** This mesh. */
  readonly mesh?: string | undefined;
  /** This resource name, exactly. */
  readonly name?: string | undefined;
  /** Not older than this; milliseconds since 1970. */
  readonly since?: number | undefined;
  /** Only what came after the event with this id. An id of another control plane, or of an earlier start, restricts nothing. */
  readonly after?: string | undefined;
  /** Only the newest ones. */
  readonly limit?: number | undefined;
}

/**
 * What happened at this control plane: a line in its log, and kept in memory for whoever asks. Nothing is stored, so that an
 * event costs no write; what is kept lives as long as the control plane.
 */
export interface EventLog {
  tell(news: EventNews): void;
  /** Oldest first. */
  list(query?: EventQuery): readonly MeshEvent[];
  /** Calls back with each new event that is kept, until disposed. The listener must be cheap and must not throw. */
  watch(listener: (event: MeshEvent) => void): Disposable;
}

export const EventLog = token<EventLog>("EventLog");

export interface EventLogOptions {
  readonly log: Logger;
  readonly clock: Clock;
  /** Id of this start of this control plane. */
  readonly instance: string;
  /** Events that are kept. Default 2,000. */
  readonly keep?: number | undefined;
}

const KEEP = 2000;

export function createEventLog({ log, clock, instance, keep = KEEP }: EventLogOptions): EventLog {
  const kept: MeshEvent[] = [];
  const listeners = new Set<(event: MeshEvent) => void>();
  let count = 0;
  return {
    tell(news) {
      const { kind, level, mesh, type, name, code } = news;
      const fields = { mesh, [type === "Dataplane" ? "dataplane" : "name"]: name, ...(code ? { code } : {}) };
      log.log(level, kind, eventText(news), fields);
      if (level === "debug") return;
      const event = { ...news, id: `${instance}.${++count}`, time: news.time ?? clock.now() };
      kept.push(event);
      if (kept.length > keep) kept.shift();
      for (const listener of listeners) listener(event);
    },
    list(query = {}) {
      const first = count - kept.length;
      const after = numberOf(query.after, instance);
      const found = kept
        .slice(after === undefined ? 0 : Math.max(0, after - first))
        .filter((event) => fits(event, query));
      return query.limit === undefined ? found : found.slice(-query.limit);
    },
    watch(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
  };
}

/** Whether an event is about what the query names. */
export function fits(event: MeshEvent, { mesh, name, since }: EventQuery): boolean {
  return (
    (mesh === undefined || event.mesh === mesh || (event.type === "Mesh" && event.name === mesh)) &&
    (name === undefined || event.name === name) &&
    (since === undefined || event.time >= since)
  );
}

function numberOf(id: string | undefined, instance: string): number | undefined {
  if (!id?.startsWith(`${instance}.`)) return undefined;
  const number = Number(id.slice(instance.length + 1));
  return Number.isSafeInteger(number) && number >= 0 ? number : undefined;
}
