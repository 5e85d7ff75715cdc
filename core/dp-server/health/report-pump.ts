import type { Clock } from "../../kernel/clock.ts";
import type { HealthReport } from "../../presence/presence.ts";

const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 5000;

export interface ReportPumpOptions {
  readonly clock: Clock;
  /** Aborts when the stream ends. */
  readonly signal: AbortSignal;
  /** Hands a report over; false or a rejection: it had no effect, and is worth repeating. */
  readonly deliver: (report: HealthReport) => Promise<boolean>;
}

/**
 * Delivers the reports of one stream, one after the other, only the newest of those that wait. One that had no effect (the proxy's
 * ADS stream is not there yet, the store is away) is repeated until it has, or until a newer one comes or the stream ends.
 */
export class ReportPump {
  readonly #options: ReportPumpOptions;
  #next: HealthReport | undefined;
  #running = false;
  #pause: (() => void) | undefined;

  constructor(options: ReportPumpOptions) {
    this.#options = options;
  }

  offer(report: HealthReport): void {
    this.#next = report;
    this.#pause?.();
    if (!this.#running) void this.#run();
  }

  async #run(): Promise<void> {
    const { signal, deliver } = this.#options;
    this.#running = true;
    let retry = FIRST_RETRY_MS;
    while (this.#next && !signal.aborted) {
      const report = this.#next;
      this.#next = undefined;
      const delivered = await deliver(report).catch(() => false);
      if (delivered || this.#next) {
        retry = FIRST_RETRY_MS;
        continue;
      }
      this.#next = report;
      await this.#wait(retry);
      retry = Math.min(retry * 2, LAST_RETRY_MS);
    }
    this.#running = false;
  }

  /** Until the time is over, a newer report comes, or the stream ends. */
  async #wait(ms: number): Promise<void> {
    const { clock, signal } = this.#options;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#pause = resolve;
    signal.addEventListener("abort", () => resolve(), { once: true });
    using _timer = clock.after(ms, resolve);
    await promise;
    this.#pause = undefined;
  }
}
