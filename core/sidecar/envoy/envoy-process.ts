import { type ChildProcess, spawn } from "node:child_process";
import type { Clock } from "../../kernel/clock.ts";
import { createLineSplitter } from "./envoy-log.ts";

export interface EnvoyCommand {
  readonly binary: string;
  /** Path of the bootstrap. */
  readonly config: string;
  /** Milliseconds. */
  readonly drainTime: number;
  /** Envoy's level; empty: warning. */
  readonly logLevel: string;
  readonly componentLogLevel: string;
  /** 0: one worker for each CPU in its set. */
  readonly concurrency: number;
  /** Added to its environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** How an Envoy ended. */
export interface EnvoyExit {
  /** `exit code 1` or `SIGSEGV`. */
  readonly how: string;
  /** Its last lines, oldest first. */
  readonly lastWords: readonly string[];
}

const KEPT_LINES = 50;
/** Time between SIGTERM and SIGKILL. */
const KILL_AFTER_MS = 5000;
/** What of our environment is not Envoy's business; the first two may hold the token, the last two are systemd's word to us. */
const OUR_VARIABLES = /^(MONOMESH_|KUMA_|NODE_|NOTIFY_SOCKET$|WATCHDOG_)/;

/** Envoy's command line (contract, section 2.6). */
export function envoyArguments(command: EnvoyCommand): string[] {
  return [
    "--config-path",
    command.config,
    "--drain-time-s",
    String(Math.max(1, Math.round(command.drainTime / 1000))),
    "--drain-strategy",
    "immediate",
    "--disable-hot-restart",
    "--log-level",
    (command.logLevel || "warning").replace(/^warn$/, "warning"),
    ...(command.componentLogLevel ? ["--component-log-level", command.componentLogLevel] : []),
    ...(command.concurrency > 0 ? ["--concurrency", String(command.concurrency)] : ["--cpuset-threads"]),
  ];
}

/** One running Envoy, in a process group of its own: a Ctrl-C at the terminal reaches only the supervisor. */
export class EnvoyProcess {
  readonly exited: Promise<EnvoyExit>;
  readonly #child: ChildProcess;
  readonly #clock: Clock;
  readonly #lastWords: string[] = [];
  #exit: EnvoyExit | undefined;

  constructor(command: EnvoyCommand, clock: Clock, onLine: (line: string) => void) {
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !OUR_VARIABLES.test(name)));
    // Its stdout is ours: access logs go there. Its log is on stderr.
    this.#child = spawn(command.binary, envoyArguments(command), {
      detached: true,
      stdio: ["ignore", "inherit", "pipe"],
      env: { ...env, ...command.env },
    });
    this.#clock = clock;
    const lines = createLineSplitter((line) => {
      this.#lastWords.push(line);
      if (this.#lastWords.length > KEPT_LINES) this.#lastWords.shift();
      onLine(line);
    });
    this.#child.stderr?.setEncoding("utf8").on("data", (chunk: string) => lines.push(chunk));
    const { promise, resolve } = Promise.withResolvers<EnvoyExit>();
    this.exited = promise;
    const end = (how: string) => {
      lines.end();
      this.#exit ??= { how, lastWords: this.#lastWords };
      resolve(this.#exit);
    };
    this.#child.once("error", (error) => end(error.message));
    // "close" comes after the last line of its log, "exit" may come before it.
    this.#child.once("close", (code, signal) => end(signal ?? `exit code ${code}`));
  }

  /** Undefined if it could not be started at all. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  get running(): boolean {
    return this.#exit === undefined && this.#child.pid !== undefined;
  }

  /** SIGTERM, and SIGKILL after 5 s. Resolves when it has ended. */
  async stop(): Promise<EnvoyExit> {
    if (!this.running) return this.exited;
    this.#child.kill("SIGTERM");
    const killer = this.#clock.after(KILL_AFTER_MS, () => this.#child.kill("SIGKILL"));
    try {
      return await this.exited;
    } finally {
      killer[Symbol.dispose]();
    }
  }

  /** At once; what it still does is lost. */
  kill(): void {
    if (this.running) this.#child.kill("SIGKILL");
  }
}
