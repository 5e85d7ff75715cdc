import type { Clock } from "../../kernel/clock.ts";
import { formatDuration } from "../../kernel/duration.ts";
import { isAbortError, MeshError } from "../../kernel/errors.ts";
import type { Logger } from "../../kernel/log.ts";
import type { ControlPlaneLink } from "../control-plane/control-plane-link.ts";
import { clockSkew } from "../trust/clock-skew.ts";
import { type Asker, classifyAnswer, NO_TOKEN_HINT } from "./classify.ts";
import { type BootstrapResponse, readBootstrapResponse } from "./response.ts";

export interface FetchOptions {
  readonly link: ControlPlaneLink;
  /** Made anew for each attempt: what it holds may change. */
  request(): Promise<Readonly<Record<string, unknown>>>;
  readonly asker: Asker;
  readonly indirect: boolean;
  readonly mesh: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Longest pause between two attempts, milliseconds. */
  readonly maxBackoff: number;
  /** After this time the last reason becomes the error, milliseconds. */
  readonly maxDuration: number;
}

export interface FetchedBootstrap extends BootstrapResponse {
  /** How far the control plane's clock is ahead, milliseconds; undefined if it did not tell. */
  readonly skew: number | undefined;
}

const ATTEMPT_TIMEOUT_MS = 10_000;
const FIRST_BACKOFF_MS = 100;
/** A wait is told when it begins, when its reason changes, and then this often. */
const REMIND_MS = 10_000;

/** Why an attempt failed in a way that the next one may not. */
interface Setback {
  /** What is waited for: `waiting for …`. */
  readonly waitingFor: string;
  readonly error: MeshError;
}

/**
 * Fetches Envoy's bootstrap (contract, section 2.5). What waiting may cure is tried again, with a line that tells what is
 * waited for; everything else rejects at once with the control plane's own words.
 */
export async function fetchBootstrap(options: FetchOptions): Promise<FetchedBootstrap> {
  const { clock, log, signal } = options;
  const started = clock.monotonic();
  let backoff = Math.min(FIRST_BACKOFF_MS, options.maxBackoff);
  let told = { text: "", at: 0 };
  for (;;) {
    const outcome = await attempt(options);
    if ("bootstrap" in outcome) return outcome;
    const waited = clock.monotonic() - started;
    if (waited >= options.maxDuration) throw givenUp(outcome.error, waited);
    if (outcome.waitingFor !== told.text || waited - told.at >= REMIND_MS) {
      log.info("waiting", `waiting for ${outcome.waitingFor}`, { code: outcome.error.code });
      told = { text: outcome.waitingFor, at: waited };
    }
    await clock.sleep(backoff, signal);
    backoff = Math.min(backoff * 2, options.maxBackoff);
  }
}

async function attempt(options: FetchOptions): Promise<FetchedBootstrap | Setback> {
  const { link, asker, clock, signal } = options;
  const sentAt = clock.now();
  try {
    const answer = await link.post("/bootstrap", await options.request(), ATTEMPT_TIMEOUT_MS, signal);
    const verdict = classifyAnswer(answer, asker);
    if (verdict.kind === "refused") throw verdict.error;
    if (verdict.kind === "again") {
      link.unwell();
      return unwell(asker, verdict.reason);
    }
    if (verdict.kind === "not-there-yet") return notThereYet(options);
    const response = await readBootstrapResponse(answer.body);
    const receivedAt = clock.now();
    const date = answer.headers["date"];
    const skew =
      response.extra.time === undefined
        ? clockSkew(typeof date === "string" ? date : undefined, sentAt, receivedAt)
        : response.extra.time - (sentAt + receivedAt) / 2;
    return { ...response, skew };
  } catch (error) {
    if (signal.aborted || isAbortError(error)) throw error;
    return setbackOf(error, asker);
  }
}

/** Nobody answers: wait. Somebody answers who is not the control plane, or is not trusted: no waiting cures that. */
function setbackOf(error: unknown, asker: Asker): Setback {
  if (error instanceof MeshError) {
    const cause = (error.cause as NodeJS.ErrnoException | undefined)?.code;
    const broken = error.code === "MM121" && (cause === "ECONNRESET" || cause === "EPIPE");
    if (error.code === "MM320" && !asker.tokenGiven) throw withTokenHint(error);
    if (error.code !== "MM120" && !broken) throw error;
    return {
      waitingFor: `the control plane: ${broken ? `${asker.address} closed the connection` : error.message}`,
      error,
    };
  }
  const reason = error instanceof Error ? error.message : String(error);
  return unwell(asker, reason);
}

/** Without a token there is one way less to trust the control plane, and it would refuse us anyway. */
function withTokenHint(error: MeshError): MeshError {
  const { message, where, why, todo } = error;
  return new MeshError(error.code, message, {
    where,
    why,
    todo: [NO_TOKEN_HINT, todo].filter(Boolean).join("\n"),
    cause: error,
  });
}

function unwell(asker: Asker, reason: string): Setback {
  return {
    waitingFor: `the control plane at ${asker.address}: ${reason}`,
    error: new MeshError("MM120", `the control plane at ${asker.address} does not give a bootstrap: ${reason}`),
  };
}

function notThereYet({ indirect, asker, mesh }: FetchOptions): Setback {
  const what = `Dataplane ${asker.name} in mesh ${mesh}`;
  const todo = indirect
    ? "Make it with  monomesh apply -f FILE,  or pass its definition with --dataplane-file."
    : undefined;
  return {
    waitingFor: `${what}: the control plane does not have it yet${indirect ? " (monomesh apply -f FILE makes it)" : ""}`,
    error: new MeshError("MM404", `there is no ${what}`, { todo }),
  };
}

function givenUp(error: MeshError, waited: number): MeshError {
  return new MeshError(error.code, `${error.message}. Given up after ${formatDuration(waited)}; nothing was started.`, {
    where: error.where,
    why: error.why,
    todo: error.todo,
    cause: error,
  });
}
