import type { EventKind } from "../events/event.ts";
import type { EventLog } from "../events/event-log.ts";
import type { LogLevel } from "../kernel/log.ts";
import type { DataplaneSpec } from "../model/dataplane/spec.ts";
import type { PresenceSpec } from "../model/dataplane-presence.ts";
import type { Resource } from "../model/resource.ts";
import type { ProxyId } from "../push/snapshot.ts";
import { newsOf } from "./news-text.ts";
import type { AbsenceObserver } from "./presence.ts";
import type { Outcome } from "./record-store.ts";

/** Tells people, and whoever else must know, what this control plane changed. */
export class News {
  readonly #events: EventLog;
  readonly #observer: AbsenceObserver | undefined;

  constructor(events: EventLog, observer: AbsenceObserver | undefined) {
    this.#events = events;
    this.#observer = observer;
  }

  tell(proxy: ProxyId, outcome: Outcome): void {
    if (outcome.kind === "changed") this.changed(proxy, outcome.before, outcome.record.spec);
    if (outcome.kind !== "deleted") return;
    const { before, after } = outcome;
    this.changed(proxy, before, after === before ? "delete" : after);
  }

  /** `dataplane` is needed for a proxy that joins. */
  changed(
    proxy: ProxyId,
    before: PresenceSpec | undefined,
    after: PresenceSpec | "delete",
    dataplane?: Resource | undefined,
  ): void {
    const news = newsOf(before, after, dataplane?.spec as DataplaneSpec | undefined);
    if (news) this.say(proxy, news.level, news.kind, news.detail);
    if (after !== "delete" && (after.state === "offline" || after.state === "left") && before?.state !== after.state) {
      this.#observer?.absent(proxy, after.lastSeen);
    }
  }

  say(proxy: ProxyId, level: LogLevel, kind: EventKind, detail: string): void {
    const { mesh, name } = proxy;
    this.#events.tell({ kind, level, mesh, type: "Dataplane", name, detail });
  }
}
