import type { Clock } from "../../kernel/clock.ts";
import { formatDuration } from "../../kernel/duration.ts";
import type { Logger } from "../../kernel/log.ts";
import { processState } from "../work-dir/process-identity.ts";
import type { EnvoyAdmin } from "./envoy-admin.ts";

/** An Envoy that is there but does nothing. */
export interface FrozenEnvoy {
  readonly pid: number;
  /** `stopped`: by a signal, so it serves nobody. `silent`: its main thread does not answer, its workers may serve on. */
  readonly kind: "stopped" | "silent";
  /** `is stopped by a signal`, for a sentence that begins with Envoy. */
  readonly text: string;
  /** It is replaced after this time, milliseconds. */
  readonly replaceAfter: number | undefined;
}

export interface EnvoyWatchOptions {
  readonly admin: Pick<EnvoyAdmin, "ready">;
  /** The Envoy that runs now. */
  pid(): number | undefined;
  /** Ends it; another is started. */
  replace(why: string): void;
  /** It froze, or serves again. */
  onChange(frozen: FrozenEnvoy | undefined): void;
  readonly clock: Clock;
  readonly log: Logger;
  /** Watching ends with it. */
  readonly signal: AbortSignal;
}

/**
 * How often Envoy is asked, and after how long without an answer it counts as frozen and is replaced; milliseconds. A large
 * change of configuration may keep the main thread for seconds, while workers serve.
 */
const ASK_EVERY_MS = 2000;
const SILENT_AFTER_MS = 10_000;
const REPLACE_SILENT_AFTER_MS = 60_000;
const REPLACE_STOPPED_AFTER_MS = 30_000;

/**
 * Notices an Envoy that lives but does not move: stopped by a signal, or its main thread hangs. A worker that hangs is the
 * business of Envoy's own watchdog (bootstrap/rewrite.ts). Only time in which this process ran counts: after a pause of
 * the whole machine everything is late, and nothing is frozen.
 */
export async function watchEnvoy(options: EnvoyWatchOptions): Promise<void> {
  const { admin, clock, signal } = options;
  let pid: number | undefined;
  let silentFor = 0;
  let frozen: FrozenEnvoy | undefined;
  while (!signal.aborted) {
    await clock.sleep(ASK_EVERY_MS, signal).catch(() => undefined);
    const asked = clock.monotonic();
    const now = options.pid();
    if (now !== pid) silentFor = 0;
    pid = now;
    const stopped = now === undefined ? undefined : stoppedText(now);
    const answers = now !== undefined && stopped === undefined && (await admin.ready()) !== undefined;
    if (signal.aborted) return;
    if (answers || now === undefined || options.pid() !== now) silentFor = 0;
    // An answer that does not come takes as long as the pause; more is a pause of this process.
    else silentFor += Math.min(clock.monotonic() - asked + ASK_EVERY_MS, 2 * ASK_EVERY_MS);
    const next = now === undefined || silentFor === 0 ? undefined : stillness(now, stopped, silentFor);
    if (next?.text !== frozen?.text || next?.pid !== frozen?.pid) {
      report(options.log, next, answers);
      options.onChange(next);
      frozen = next;
    }
    if (next && next.replaceAfter !== undefined && silentFor >= next.replaceAfter) {
      options.replace(`it ${next.text}, for ${formatDuration(Math.round(silentFor / 1000) * 1000)}`);
    }
  }
}

function stillness(pid: number, stopped: string | undefined, silentFor: number): FrozenEnvoy | undefined {
  if (stopped !== undefined)
    return {
      pid,
      kind: "stopped",
      text: stopped,
      replaceAfter: stopped === HELD ? undefined : REPLACE_STOPPED_AFTER_MS,
    };
  if (silentFor < SILENT_AFTER_MS) return undefined;
  return { pid, kind: "silent", text: "lives but does not answer", replaceAfter: REPLACE_SILENT_AFTER_MS };
}

/** Somebody looks at it; it is left to them. */
const HELD = "is held by a debugger";

function stoppedText(pid: number): string | undefined {
  switch (processState(pid)) {
    case "T":
      return "is stopped by a signal (kill -CONT lets it go on)";
    case "t":
      return HELD;
    default:
      return undefined;
  }
}

function report(log: Logger, frozen: FrozenEnvoy | undefined, answers: boolean): void {
  if (frozen) {
    const { pid, kind, text } = frozen;
    log.error("envoy-frozen", `Envoy (process ${pid}) ${text}`, { pid, kind });
  } else if (answers) log.info("envoy-answers", "Envoy answers again");
}
