import { setTimeout as sleep } from "node:timers/promises";

/** Repeats until the outcome is good; the last failure is thrown after `timeoutMs`. Rejects once `signal` is aborted. */
export async function eventually<T>(
  attempt: () => Promise<T>,
  good: (value: T) => boolean,
  timeoutMs = 10_000,
  signal?: AbortSignal,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const outcome = await attempt().then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    );
    if ("value" in outcome && good(outcome.value)) return outcome.value;
    if (performance.now() > deadline)
      throw "error" in outcome
        ? outcome.error
        : new Error(`still ${JSON.stringify(outcome.value)} after ${timeoutMs} ms`);
    await sleep(5, undefined, { signal });
  }
}
