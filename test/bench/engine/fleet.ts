import { type ChildProcess, fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { cpuSecondsOf } from "../../support/processes.ts";
import type { Watch } from "./simulated-sidecar.ts";
import type { Order, Report, Start } from "./worker.ts";

export interface FleetOptions extends Omit<Start, "kind" | "from" | "to" | "tokens" | "pollMs"> {
  /** One for each proxy. */
  readonly tokens: readonly string[];
  /** Processes that share the sidecars. */
  readonly workers: number;
}

export interface Arrivals {
  /** Monotonic times, milliseconds, one for each consumer that saw the change. */
  readonly times: readonly number[];
  /** Consumers that did not see it in time. */
  readonly missing: number;
}

/** A generator of thousands of connections would spend most of its time with its own garbage (`core/kernel/expect-bursts.ts`). */
const WORKER_FLAGS = [
  "--disable-warning=ExperimentalWarning",
  "--heap-growing-percent=200",
  "--external-memory-accounted-in-global-limit",
  "--min-semi-space-size=16",
  // In a quiet minute V8 would give memory back and compiled code with it; a sidecar is no slower after one.
  "--no-memory-reducer",
  "--retain-maps-for-n-gc=1000000",
  // Its helpers would take the processor of the control plane.
  "--single-threaded-gc",
];

/** How long a process of the generator stays awake for a change; longer, and a control plane with many threads would miss it. */
const POLL_MS = 250;

/** The simulated sidecars, in processes of their own. */
export class Fleet implements Disposable {
  readonly #options: FleetOptions;
  readonly #workers: ChildProcess[] = [];
  readonly #failures: string[] = [];
  readonly #listeners = new Set<(worker: ChildProcess, report: Report) => void>();

  constructor(options: FleetOptions) {
    this.#options = options;
    for (let count = 0; count < options.workers; count++) {
      const worker = fork(join(import.meta.dirname, "worker.ts"), {
        execArgv: WORKER_FLAGS,
        serialization: "advanced",
      });
      worker.on("message", (report: Report) => {
        if (report.kind === "failed") this.#failures.push(report.reason);
        for (const listener of this.#listeners) listener(worker, report);
      });
      this.#workers.push(worker);
    }
  }

  /** What went wrong with single sidecars so far, those that then succeeded included. */
  get failures(): readonly string[] {
    return this.#failures;
  }

  /** CPU seconds of the generator so far. */
  cpuSeconds(): number {
    return this.#workers.reduce((sum, { pid }) => sum + cpuSecondsOf(pid ?? 0), 0);
  }

  /** All join; resolves with the monotonic times at which each had its first full configuration. */
  async join(timeoutMs: number): Promise<readonly number[]> {
    const { tokens, workers, ...start } = this.#options;
    const { proxies } = start.shape;
    const reports = this.#all("joined", timeoutMs);
    const pollMs = workers < availableParallelism() ? POLL_MS : 0;
    for (const [at, worker] of this.#workers.entries()) {
      const from = Math.floor((proxies * at) / workers);
      const to = Math.floor((proxies * (at + 1)) / workers);
      this.#send(worker, { ...start, kind: "start", from, to, tokens: tokens.slice(from, to), pollMs });
    }
    return (await reports).flatMap((report) => report.times);
  }

  /**
   * Makes every consumer look out for a change, makes the change and resolves when all saw it, or after `timeoutMs` with
   * those that did. `consumers` is their number.
   */
  async observe(watch: Watch, change: () => Promise<void>, timeoutMs: number): Promise<Arrivals> {
    const armed = this.#all("armed", timeoutMs);
    const arrived = this.#all("arrived", timeoutMs + 10_000);
    for (const worker of this.#workers) this.#send(worker, { kind: "watch", watch });
    await armed;
    const timer = setTimeout(() => {
      for (const worker of this.#workers) this.#send(worker, { kind: "report" });
    }, timeoutMs);
    await change();
    const reports = await arrived;
    clearTimeout(timer);
    return {
      times: reports.flatMap(({ times }) => times),
      missing: reports.reduce((sum, { missing }) => sum + missing, 0),
    };
  }

  /** Cuts the connections of some sidecars; resolves when all of them are back and configured. */
  async churn(indexes: readonly number[], timeoutMs: number): Promise<void> {
    const { shape, workers } = this.#options;
    const reports = this.#all("churned", timeoutMs);
    for (const [at, worker] of this.#workers.entries()) {
      const from = Math.floor((shape.proxies * at) / workers);
      const to = Math.floor((shape.proxies * (at + 1)) / workers);
      this.#send(worker, { kind: "churn", indexes: indexes.filter((index) => index >= from && index < to) });
    }
    await reports;
  }

  [Symbol.dispose](): void {
    for (const worker of this.#workers) worker.kill("SIGKILL");
  }

  #send(worker: ChildProcess, order: Order): void {
    worker.send(order);
  }

  /** One report of this kind from each worker. */
  #all<K extends Report["kind"]>(kind: K, timeoutMs: number): Promise<Extract<Report, { kind: K }>[]> {
    const { promise, resolve, reject } = Promise.withResolvers<Extract<Report, { kind: K }>[]>();
    const reports = new Map<ChildProcess, Extract<Report, { kind: K }>>();
    const timer = setTimeout(() => {
      end();
      const failed = `${this.#failures.length} failures, the last: ${this.#failures.at(-1) ?? "none"}`;
      reject(new Error(`not all sidecars have ${kind} within ${timeoutMs / 1000} s (${failed})`));
    }, timeoutMs);
    const listener = (worker: ChildProcess, report: Report) => {
      if (report.kind !== kind) return;
      reports.set(worker, report as Extract<Report, { kind: K }>);
      if (reports.size < this.#workers.length) return;
      end();
      resolve([...reports.values()]);
    };
    const end = () => {
      clearTimeout(timer);
      this.#listeners.delete(listener);
    };
    this.#listeners.add(listener);
    return promise;
  }
}
