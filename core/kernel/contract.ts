/** One promise of a port. Data, so that `monomesh plugin test` and node:test run the very same cases. */
export interface ContractCase<Context> {
  /** A sentence that is true of what passes. */
  readonly name: string;
  run(context: Context): Promise<void> | void;
}

/** How one case went. */
export interface CaseOutcome {
  readonly name: string;
  readonly result: "passed" | "failed" | "skipped";
  /** Why it was skipped. */
  readonly reason?: string | undefined;
  /** What it failed with. */
  readonly error?: unknown;
  /** Milliseconds; 0 when skipped. */
  readonly took: number;
}

export interface CaseRun<Case> {
  /** Why a case does not apply; undefined if it does. */
  skip?(each: Case): string | undefined;
  run(each: Case): Promise<void>;
}

/** Runs the cases one after the other and yields how each went; never rejects. Stops between cases when aborted. */
export async function* runCases<Case extends { readonly name: string }>(
  cases: readonly Case[],
  { skip, run }: CaseRun<Case>,
  signal: AbortSignal,
): AsyncGenerator<CaseOutcome, void, void> {
  for (const each of cases) {
    if (signal.aborted) return;
    const { name } = each;
    const reason = skip?.(each);
    if (reason) {
      yield { name, result: "skipped", reason, took: 0 };
      continue;
    }
    const started = performance.now();
    const took = () => performance.now() - started;
    try {
      await run(each);
      yield { name, result: "passed", took: took() };
    } catch (error) {
      yield { name, result: "failed", error, took: took() };
    }
  }
}
