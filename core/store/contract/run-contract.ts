import { PATIENCE_MS, runStoreCase, skipReason } from "./run-case.ts";
import type { StoreCase, StoreUnderTest } from "./store-case.ts";

/** How one case went. */
export interface CaseOutcome {
  readonly name: string;
  readonly result: "passed" | "failed" | "skipped";
  /** Why it was skipped. */
  readonly reason?: string | undefined;
  /** What it failed with. */
  readonly error?: unknown;
}

/**
 * Runs the cases one after the other and yields how each went; never rejects. Stops between cases when aborted;
 * a case without an answer within `patienceMs` (default 60 s) has failed.
 */
export async function* runStoreContract(
  subject: StoreUnderTest,
  cases: readonly StoreCase[],
  signal: AbortSignal,
  patienceMs = PATIENCE_MS,
): AsyncGenerator<CaseOutcome, void, void> {
  for (const storeCase of cases) {
    if (signal.aborted) return;
    const { name } = storeCase;
    const reason = skipReason(subject, storeCase);
    if (reason) {
      yield { name, result: "skipped", reason };
      continue;
    }
    try {
      await runStoreCase(subject, storeCase, patienceMs);
      yield { name, result: "passed" };
    } catch (error) {
      yield { name, result: "failed", error };
    }
  }
}
