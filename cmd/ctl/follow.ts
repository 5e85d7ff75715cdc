import { systemClock } from "../../core/kernel/clock.ts";
import { isAbortError, toMeshError } from "../../core/kernel/errors.ts";
import type { ServerEvent } from "./event-reader.ts";
import type { Session } from "./session.ts";

/** Between two tries to reach a control plane that went away; milliseconds. */
const RETRY_MS = 1000;

/**
 * Watches until the signal aborts. A control plane that goes away is said once and tried again, since `-w` is for exactly
 * such moments; one that cannot be reached at first is an error, unless `patient`. `path` is asked for each time, so that a stream can go on
 * where it was.
 */
export async function follow(
  session: Session,
  path: () => string,
  onEvent: (event: ServerEvent) => void,
  signal: AbortSignal,
  patient = false,
): Promise<void> {
  const client = await session.client();
  let reached = false;
  let away = false;
  while (!signal.aborted) {
    const heard = (event: ServerEvent) => {
      if (away) session.talk("connected\n");
      reached = true;
      away = false;
      onEvent(event);
    };
    try {
      await client.watch(path(), heard, signal);
    } catch (error) {
      if (signal.aborted || isAbortError(error)) return;
      const { code } = toMeshError(error);
      const mayPass = code === "MM120" || code === "MM503";
      if (!(reached || patient) || !mayPass) throw error;
    }
    if (signal.aborted) return;
    if (!away) session.talk(`the control plane ${reached ? "went away" : "does not answer yet"}; trying again\n`);
    away = true;
    await systemClock.sleep(RETRY_MS, signal).catch(() => undefined);
  }
}
