import type { Clock } from "../../kernel/clock.ts";
import { formatDuration } from "../../kernel/duration.ts";
import { MeshError } from "../../kernel/errors.ts";
import type { Logger } from "../../kernel/log.ts";
import { parseEnvoyLine, worthShowing } from "./envoy-log.ts";
import { type EnvoyCommand, type EnvoyExit, EnvoyProcess } from "./envoy-process.ts";
import { reasonOf, usefulWords } from "./last-words.ts";

export interface KeeperOptions {
  readonly command: EnvoyCommand;
  readonly clock: Clock;
  readonly log: Logger;
  /** The user asked for Envoy's own log: its lines are shown as they are. */
  readonly verbatim: boolean;
  /** An Envoy was started, the first or another. */
  onStart(pid: number): void;
  /** Envoy ended by itself and is not started again: MM601. */
  onFailure(error: MeshError): void;
}

const FIRST_BACKOFF_MS = 100;
const CRASH_WINDOW_MS = 60_000;
const CRASH_LIMIT = 5;

/**
 * Keeps one Envoy running. One that ends before it ever served has a reason that the next would have too: that is a
 * failure at once. Later it is started again with backoff; the fifth end within a minute is a failure.
 */
export class EnvoyKeeper {
  readonly #options: KeeperOptions;
  readonly #stop = new AbortController();
  #process: EnvoyProcess | undefined;
  #served = false;
  #crashes: number[] = [];
  #killedFor: string | undefined;
  #lastEnd: string | undefined;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  /** The Envoy that runs now; undefined between two. */
  get pid(): number | undefined {
    return this.#process?.running ? this.#process.pid : undefined;
  }

  start(): void {
    if (this.#stop.signal.aborted) return;
    const { command, clock, log } = this.#options;
    const process = new EnvoyProcess(command, clock, (line) => this.#show(line));
    this.#process = process;
    if (process.pid !== undefined) {
      log.info("envoy-started", `Envoy runs as process ${process.pid}`, { pid: process.pid });
      this.#options.onStart(process.pid);
    }
    void process.exited.then((exit) => {
      if (!this.#stop.signal.aborted) void this.#ended(exit);
    });
  }

  /** How the last Envoy ended by itself, until somebody was told. */
  get lastEnd(): string | undefined {
    return this.#lastEnd;
  }

  forgetLastEnd(): void {
    this.#lastEnd = undefined;
  }

  /** From now on an end is a crash, and the next Envoy is started. */
  served(): void {
    this.#served = true;
  }

  /** Ends an Envoy that is of no use any more, and says why; another is started as after a crash. */
  replace(why: string): void {
    this.#killedFor = why;
    this.#process?.kill();
  }

  /** Ends Envoy for good: gracefully within 5 s, or at once. Resolves when it has ended. */
  async stop(how: "gracefully" | "now"): Promise<void> {
    this.#stop.abort();
    if (how === "now") this.#process?.kill();
    await this.#process?.stop();
  }

  async #ended(exit: EnvoyExit): Promise<void> {
    const { clock, log } = this.#options;
    const end = this.#endText(exit);
    this.#lastEnd = end;
    if (!this.#served) return this.#fail(exit, `Envoy did not start: ${end}`);
    const now = clock.monotonic();
    this.#crashes = [...this.#crashes.filter((at) => now - at < CRASH_WINDOW_MS), now];
    if (this.#crashes.length >= CRASH_LIMIT) {
      return this.#fail(exit, `Envoy ended ${CRASH_LIMIT} times within a minute, the last time by ${end}`);
    }
    const backoff = FIRST_BACKOFF_MS * 2 ** (this.#crashes.length - 1);
    log.warn("envoy-crashed", `Envoy ended by ${end}. It is started again in ${formatDuration(backoff)}`, {
      how: exit.how,
    });
    await clock.sleep(backoff, this.#stop.signal).then(
      () => this.start(),
      () => undefined,
    );
  }

  /** `SIGABRT: assert failure: ...`; whose doing a SIGKILL was, nobody says. */
  #endText({ how, lastWords }: EnvoyExit): string {
    const killed = this.#killedFor;
    this.#killedFor = undefined;
    if (killed !== undefined) return `SIGKILL from its supervisor, since ${killed}`;
    const reason = how === "SIGKILL" ? "from outside (out of memory?)" : reasonOf(lastWords);
    return reason === undefined ? how : `${how}${how === "SIGKILL" ? " " : ": "}${reason}`;
  }

  #fail(exit: EnvoyExit, message: string): void {
    const words = usefulWords(exit.lastWords);
    this.#options.onFailure(
      new MeshError("MM601", message, {
        where: words.length > 0 ? `Envoy's last words:\n${words.join("\n")}` : undefined,
      }),
    );
  }

  #show(line: string): void {
    const { log, verbatim } = this.#options;
    const parsed = parseEnvoyLine(line);
    if (verbatim) log.info("envoy", line);
    else if (!parsed || !worthShowing(parsed)) return;
    else log.log(parsed.level === "warning" ? "warn" : "error", "envoy", `Envoy: ${parsed.message}`);
  }
}
