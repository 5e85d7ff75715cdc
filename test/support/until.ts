import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

const EVERY_MS = 5;

/**
 * Waits until something is so, and fails when it was waited for in vain; limit in milliseconds. What a busy machine takes
 * from the process does not count.
 */
export async function until(
  good: () => boolean,
  what: string | (() => string) = good.toString(),
  limitMs = 5000,
): Promise<void> {
  for (let waited = 0; !good(); waited += EVERY_MS) {
    assert.ok(waited < limitMs, `waited in vain: ${typeof what === "string" ? what : what()}`);
    await sleep(EVERY_MS);
  }
}
