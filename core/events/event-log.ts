import type { Clock } from "../kernel/clock.ts";
import type { Logger } from "../kernel/log.ts";
import { oneLine } from "../kernel/one-line.ts";
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
/** The share of refusals in it: any stranger can cause them, and they must not push out everything else. */
const MOST_REFUSED = 1 / 4;

interface Kept {
  readonly number: number;
  readonly event: MeshEvent;
}

export function createEventLog({ log, clock, instance, keep = KEEP }: EventLogOptions): EventLog {
  const kept: Kept[] = [];
  const listeners = new Set<(event: MeshEvent) => void>();
  let count = 0;
  let refused = 0;
  const forgetOne = () => {
    const at = refused > keep * MOST_REFUSED ? kept.findIndex(({ event }) => event.kind === "refused") : 0;
    const [gone] = kept.splice(at, 1);
    if (gone?.event.kind === "refused") refused--;
  };
  return {
    tell(news) {
      const { kind, level, code } = news;
      // Some of this was said by whoever tried to join.
      const told = { ...news, mesh: oneLine(news.mesh), name: oneLine(news.name), detail: oneLine(news.detail) };
      const field = news.type === "Dataplane" ? "dataplane" : "name";
      log.log(level, kind, eventText(told), { mesh: told.mesh, [field]: told.name, ...(code ? { code } : {}) });
      if (level === "debug") return;
      const number = ++count;
      const event = { ...told, id: `${instance}.${number}`, time: news.time ?? clock.now() };
      kept.push({ number, event });
      if (kind === "refused") refused++;
      if (kept.length > keep) forgetOne();
      for (const listener of listeners) listener(event);
    },
    list(query = {}) {
      const after = numberOf(query.after, instance) ?? 0;
      const newer = kept.filter(({ number, event }) => number > after && fits(event, query));
      const found = newer.map(({ event }) => event);
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
