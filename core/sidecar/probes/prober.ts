import type { Clock } from "../../kernel/clock.ts";
import type { ProbeSettings, Workload } from "../../model/types/dataplane.ts";
import { tcpAnswers } from "../checks/tcp-answers.ts";

/** For an application without a service probe, until it answers for the first time. */
const WAIT_SETTINGS: ProbeSettings = { interval: 250, timeout: 1000, healthyThreshold: 1, unhealthyThreshold: 1 };

export interface ProberOptions {
  readonly workload: Workload;
  readonly clock: Clock;
  /** What is known of this application already; undefined: nothing, which is not ready. */
  readonly known: boolean | undefined;
  /** `ready` changed, after this many milliseconds. */
  readonly onChange: (after: number) => void;
}

/**
 * Tries one application by connecting to its port, as Envoy's TCP health check does: the next try begins an interval after
 * the last one ended. Not ready at first; one good try makes it ready if it is the very first, else as many in a row as
 * the threshold says. Without a service probe the first good try is the last.
 */
export class Prober implements Disposable {
  readonly workload: Workload;
  ready: boolean;
  readonly #clock: Clock;
  readonly #onChange: (after: number) => void;
  readonly #ended = new AbortController();
  #first: boolean;
  /** When `ready` changed last, on the monotonic clock. */
  #since: number;
  /** Tries in a row that contradict `ready`. */
  #contradictions = 0;

  constructor({ workload, clock, known, onChange }: ProberOptions) {
    this.workload = workload;
    this.ready = known ?? false;
    this.#first = known === undefined;
    this.#since = clock.monotonic();
    this.#clock = clock;
    this.#onChange = onChange;
    void this.#run();
  }

  [Symbol.dispose](): void {
    this.#ended.abort();
  }

  async #run(): Promise<void> {
    const { address, servicePort, probe } = this.workload;
    const settings = probe ?? WAIT_SETTINGS;
    const { signal } = this.#ended;
    while (!signal.aborted) {
      const good = await tcpAnswers(address, servicePort, settings.timeout, signal);
      if (signal.aborted) return;
      this.#count(good, settings);
      if (this.ready && !probe) return;
      await this.#clock.sleep(settings.interval, signal).catch(() => undefined);
    }
  }

  #count(good: boolean, { healthyThreshold, unhealthyThreshold }: ProbeSettings): void {
    const isFirst = this.#first;
    this.#first = false;
    if (good === this.ready) {
      this.#contradictions = 0;
      return;
    }
    this.#contradictions++;
    if (!isFirst && this.#contradictions < (good ? healthyThreshold : unhealthyThreshold)) return;
    this.#contradictions = 0;
    this.ready = good;
    const now = this.#clock.monotonic();
    const after = now - this.#since;
    this.#since = now;
    this.#onChange(after);
  }
}
