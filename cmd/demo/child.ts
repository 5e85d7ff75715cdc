import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { selfCommand } from "../../core/kernel/runtime.ts";

/** One JSON line of a role's log. */
export interface LogEvent {
  readonly event: string;
  readonly level: string;
  readonly text: string;
  readonly [field: string]: unknown;
}

/** A role of this executable as a child process, followed by its log. */
export interface RoleProcess {
  readonly pid: number;
  readonly process: ChildProcess;
  readonly events: readonly LogEvent[];
  /** Resolves with the first event of this name, also one that was already there; rejects when the process ends before it. */
  event(name: string, timeoutMs?: number): Promise<LogEvent>;
  /** Exit code, or the signal's name. */
  readonly exited: Promise<number | string>;
}

/** How the program is started: by itself, or a packaged executable by a test. */
export type Program = (args: readonly string[]) => { readonly file: string; readonly args: readonly string[] };

/** Starts `monomesh ARGS` with JSON logs. `env` is added to the present environment. */
export function startRole(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  program: Program = selfCommand,
): RoleProcess {
  const command = program(args);
  const child = spawn(command.file, command.args, {
    env: { ...process.env, MONOMESH_LOG_FORMAT: "json", ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const events: LogEvent[] = [];
  const waiting = new Set<(event: LogEvent | undefined) => void>();
  const lines = createInterface({ input: child.stderr });
  lines.on("line", (line) => {
    const event = parseEvent(line);
    events.push(event);
    for (const wake of [...waiting]) wake(event);
  });
  const exited = new Promise<number | string>((resolve) => {
    child.on("error", (error) => resolve(error.message));
    child.on("close", (code, signal) => resolve(code ?? signal ?? "unknown"));
  });
  void exited.then(() => {
    for (const wake of [...waiting]) wake(undefined);
  });
  return {
    pid: child.pid ?? -1,
    process: child,
    events,
    exited,
    event(name, timeoutMs = 45_000) {
      const known = events.find((each) => each.event === name);
      if (known) return Promise.resolve(known);
      const { promise, resolve, reject } = Promise.withResolvers<LogEvent>();
      const timer = setTimeout(() => wake(undefined), timeoutMs);
      const wake = (event: LogEvent | undefined) => {
        if (event && event.event !== name) return;
        clearTimeout(timer);
        waiting.delete(wake);
        if (event) resolve(event);
        else reject(new Error(`${args.join(" ")}: no "${name}".\n${tail(events)}`));
      };
      waiting.add(wake);
      return promise;
    },
  };
}

function parseEvent(line: string): LogEvent {
  try {
    return JSON.parse(line) as LogEvent;
  } catch {
    return { event: "text", level: "info", text: line };
  }
}

function tail(events: readonly LogEvent[]): string {
  return events
    .slice(-8)
    .map((each) => `  ${each.event}: ${each.text}`)
    .join("\n");
}
