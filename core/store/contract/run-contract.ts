import { type CaseOutcome, runCases } from "../../kernel/contract.ts";
import { PATIENCE_MS, runStoreCase, skipReason } from "./run-case.ts";
import type { StoreCase, StoreUnderTest } from "./store-case.ts";

/** As `runCases`; a case without an answer within `patienceMs` (default 60 s) has failed. */
export function runStoreContract(
  subject: StoreUnderTest,
  cases: readonly StoreCase[],
  signal: AbortSignal,
  patienceMs = PATIENCE_MS,
): AsyncGenerator<CaseOutcome, void, void> {
  return runCases(
    cases,
    { skip: (each) => skipReason(subject, each), run: (each) => runStoreCase(subject, each, patienceMs) },
    signal,
  );
}
