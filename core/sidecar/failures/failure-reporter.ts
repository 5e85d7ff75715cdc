import type { Clock } from "../../kernel/clock.ts";
import type { Scope } from "../../kernel/scope.ts";
import type { ControlPlaneLink } from "../control-plane/control-plane-link.ts";
import type { Leaver } from "../control-plane/leave.ts";
import type { FailureLog } from "./failure-log.ts";

export interface FailureReporterOptions {
  readonly link: ControlPlaneLink;
  readonly clock: Clock;
  readonly scope: Scope;
  /** Who reports; undefined while that is not known, and with a stock control plane, which takes no reports. */
  who(): Leaver | undefined;
}

/**
 * A report is a connection of its own. The first comes at once; while failures go on each pause is twice the last one, so
 * that an outage that a thousand sidecars see does not become the control plane's too.
 */
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 16_000;
const TIMEOUT_MS = 5000;

/** Tells the control plane what is new in the log, and all that is in it when the connection stands anew. */
export class FailureReporter {
  readonly #options: FailureReporterOptions;
  readonly #log: FailureLog;
  /** Newest failure that the control plane has. */
  #reported = 0;
  /** Counts connections: what was told to the last one says nothing about this one. */
  #connection = 0;
  #pause = FIRST_PAUSE_MS;
  #notBefore = 0;
  #timer: Disposable | undefined;
  #busy = false;

  constructor(log: FailureLog, options: FailureReporterOptions) {
    this.#log = log;
    this.#options = options;
    options.scope.defer(() => this.#timer?.[Symbol.dispose]());
  }

  /** There are new failures. */
  wake(): void {
    const { clock, scope } = this.#options;
    if (this.#busy || this.#timer || scope.closed) return;
    const wait = this.#notBefore - clock.monotonic();
    if (wait < -2 * this.#pause) this.#pause = FIRST_PAUSE_MS;
    this.#timer = clock.after(Math.max(0, wait), () => {
      this.#timer = undefined;
      void this.#report();
    });
  }

  /** The connection stands anew: perhaps to a control plane that knows nothing. */
  reportAll(): void {
    this.#reported = 0;
    this.#connection++;
    this.#pause = FIRST_PAUSE_MS;
    this.#notBefore = 0;
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    if (this.#log.since(0).length > 0) this.wake();
  }

  /** Never rejects. */
  async #report(): Promise<void> {
    const { link, clock, scope, who } = this.#options;
    const leaver = who();
    const failures = this.#log.since(this.#reported);
    const newest = failures.at(-1);
    if (!leaver || !newest) return;
    this.#busy = true;
    const connection = this.#connection;
    let taken = false;
    try {
      const answer = await link.post("/failures", { ...leaver, failures }, TIMEOUT_MS, scope.signal);
      // A token may be renewed; with any other refusal (404: it takes no reports) it would be no use to try again.
      taken = answer.status < 500 && answer.status !== 401 && answer.status !== 403;
    } catch {
      // That it is away is said elsewhere.
    }
    this.#busy = false;
    if (taken && this.#connection === connection) this.#reported = newest.seq;
    this.#notBefore = clock.monotonic() + this.#pause;
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE_MS);
    if (this.#log.since(this.#reported).length > 0) this.wake();
  }
}
