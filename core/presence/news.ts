import type { Logger, LogLevel } from "../kernel/log.ts";
import type { DataplaneSpec } from "../model/dataplane/spec.ts";
import type { PresenceSpec } from "../model/dataplane-presence.ts";
import type { Resource } from "../model/resource.ts";
import type { ProxyId } from "../push/snapshot.ts";
import { eventText, newsOf } from "./event-text.ts";
import type { AbsenceObserver } from "./presence.ts";
import type { Outcome } from "./record-store.ts";

/** Tells people, and whoever else must know, what this control plane changed. */
export class News {
  readonly #log: Logger;
  readonly #observer: AbsenceObserver | undefined;

  constructor(log: Logger, observer: AbsenceObserver | undefined) {
    this.#log = log;
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
    if (news) this.say(proxy, news.level, news.word, news.detail);
    if (after !== "delete" && (after.state === "offline" || after.state === "left") && before?.state !== after.state) {
      this.#observer?.absent(proxy, after.lastSeen);
    }
  }

  say(proxy: ProxyId, level: LogLevel, word: string, detail: string): void {
    const { mesh, name } = proxy;
    this.#log.log(level, word, eventText(proxy, word, detail), { mesh, dataplane: name });
  }
}
