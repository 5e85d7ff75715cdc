import type { Clock } from "../kernel/clock.ts";
import type { Turns } from "../kernel/turns.ts";
import type { StreamEvents } from "../xds/stream-events.ts";
import type { ProxyStreams } from "./proxy-streams.ts";

/** Sidecars that get their first configuration at the same time. */
const MOST_AT_ONCE = 200;
/** Who has not taken its first configuration after this lets others in; milliseconds. A parked or slow sidecar keeps nobody waiting. */
const TURN_MS = 5000;

export interface InitialSyncsOptions {
  readonly clock: Clock;
  /** For those that are let in. */
  readonly turns?: Turns | undefined;
  /** Default 200. */
  readonly mostAtOnce?: number | undefined;
  /** A turn is over. */
  readonly onTurnEnd?: (() => void) | undefined;
}

/**
 * When everybody comes at once, as after an outage, sidecars take turns: those that are let in are served fast, and the
 * memory for half-served ones is bounded. Who waits is not read from meanwhile. First come, first served.
 */
export class InitialSyncs {
  readonly #clock: Clock;
  readonly #turns: Turns | undefined;
  readonly #mostAtOnce: number;
  readonly #onTurnEnd: (() => void) | undefined;
  readonly #waiting = new Set<() => void>();
  #underWay = 0;

  constructor(options: InitialSyncsOptions) {
    this.#clock = options.clock;
    this.#turns = options.turns;
    this.#mostAtOnce = options.mostAtOnce ?? MOST_AT_ONCE;
    this.#onTurnEnd = options.onTurnEnd;
  }

  /** Streams that are being served their first configuration, and those that wait for their turn. */
  get stats(): { readonly underWay: number; readonly waiting: number } {
    return { underWay: this.#underWay, waiting: this.#waiting.size };
  }

  /** `openAds`, taking turns. */
  limit(openAds: ProxyStreams["openAds"]): StreamEvents["openAds"] {
    return async (stream) => {
      const done = await this.#enter(stream.signal);
      await this.#turns?.turn();
      if (stream.signal.aborted) done();
      else stream.signal.addEventListener("abort", done, { once: true });
      try {
        return await openAds(stream, done);
      } catch (error) {
        done();
        throw error;
      }
    };
  }

  /** Waits for a turn, or the end of the stream; returns what ends the turn. */
  #enter(signal: AbortSignal): Promise<() => void> | (() => void) {
    if (this.#underWay < this.#mostAtOnce || signal.aborted) return this.#begin();
    return new Promise((resolve) => {
      const go = () => {
        this.#waiting.delete(go);
        signal.removeEventListener("abort", go);
        resolve(this.#begin());
      };
      this.#waiting.add(go);
      signal.addEventListener("abort", go, { once: true });
    });
  }

  /** What it returns may be called more than once. */
  #begin(): () => void {
    this.#underWay++;
    let over = false;
    const done = () => {
      if (over) return;
      over = true;
      timer[Symbol.dispose]();
      this.#underWay--;
      this.#onTurnEnd?.();
      const [next] = this.#waiting;
      // One that ended while it waited went ahead of its turn.
      if (this.#underWay < this.#mostAtOnce) next?.();
    };
    const timer = this.#clock.after(TURN_MS, done);
    return done;
  }
}
