import type { ControlPlaneLink } from "./control-plane-link.ts";

/** Who leaves. */
export interface Leaver {
  readonly mesh: string;
  readonly name: string;
  readonly incarnation: string;
}

/** What the control plane did with a `POST /leave`. */
export interface Withdrawal {
  /** Proxies that had to forget the endpoints. */
  readonly consumers: number;
  /** Names of those that had not confirmed after 2 s. */
  readonly missing: readonly string[];
  readonly tookMs: number;
}

/** The control plane answers after 2 s at the latest. */
const LEAVE_TIMEOUT_MS = 2500;
const LEFT_TIMEOUT_MS = 1000;
/** For `sayLeft` after a second signal: the user waits for nothing any more. */
export const HURRIED_LEFT_MS = 300;

/** Asks the control plane to withdraw this proxy from all its consumers. Rejects with a short reason when it could not. */
export async function askToWithdraw(link: ControlPlaneLink, leaver: Leaver, signal: AbortSignal): Promise<Withdrawal> {
  // The limit is for all of it: finding out anew whom to trust may take longer than the request.
  const limit = AbortSignal.timeout(LEAVE_TIMEOUT_MS);
  const answer = await link
    .post("/leave", leaver, LEAVE_TIMEOUT_MS, AbortSignal.any([signal, limit]))
    .catch((error) => {
      throw limit.aborted ? new Error(`no answer in ${LEAVE_TIMEOUT_MS} ms`) : error;
    });
  if (answer.status !== 200) throw new Error(answer.body.trim().split("\n")[0] || `status ${answer.status}`);
  const { consumers, missing, tookMs } = JSON.parse(answer.body) as Partial<Withdrawal>;
  return { consumers: consumers ?? 0, missing: missing ?? [], tookMs: tookMs ?? 0 };
}

/** Tells the control plane that this proxy has drained and ends. Whether it heard that does not matter to the leaver. */
export async function sayLeft(link: ControlPlaneLink, leaver: Leaver, timeoutMs = LEFT_TIMEOUT_MS): Promise<boolean> {
  try {
    return (await link.post("/left", leaver, timeoutMs, AbortSignal.timeout(timeoutMs))).status === 200;
  } catch {
    return false;
  }
}
