import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { AUTH_CASES } from "../../core/auth/contract/auth-cases.ts";
import { type CaseOutcome, type ContractCase, runCases } from "../../core/kernel/contract.ts";
import { MeshError } from "../../core/kernel/errors.ts";
import { messageOf, type Plugin } from "../../core/kernel/plugin.ts";
import { POLICY_CASES } from "../../core/policy/contract/policy-cases.ts";
import { LIFECYCLE_CASES } from "../../core/presence/contract/lifecycle-cases.ts";
import { STORE_CASES } from "../../core/store/contract/cases.ts";
import { runStoreContract } from "../../core/store/contract/run-contract.ts";
import type { StoreCase } from "../../core/store/contract/store-case.ts";
import type { Io } from "../terminal/io.ts";
import { importPlugin, loadPluginFile } from "./load-plugin-file.ts";
import { readOptions, runInstanceCase, storeUnderTest } from "./plugin-under-test.ts";

export interface TestRequest {
  readonly file: string;
  /** JSON; `{workDir}` inside stands for the directory of each case. */
  readonly options: string | undefined;
  readonly only: string | undefined;
  readonly quick: boolean;
}

type AnyCase = ContractCase<never>;
type Runner = (cases: readonly AnyCase[], signal: AbortSignal) => AsyncGenerator<CaseOutcome, void, void>;

/** Runs the contract of a plugin's kind and its own cases; the last line is `N passed, N failed`. Exit code 1 if one failed. */
export async function testPlugin(io: Io, request: TestRequest): Promise<number> {
  const file = resolve(request.file);
  const plugin = await loadPluginFile(file);
  const options = readOptions(request.options);
  const { contract, run } = contractOf(plugin, file, options, request);
  const picked = (cases: readonly AnyCase[]) => cases.filter((each) => each.name.includes(request.only ?? ""));
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  process.once("SIGINT", onSignal);
  const count = { passed: 0, failed: 0, skipped: 0 };
  try {
    for (const [title, cases] of [
      [`contract of ${plugin.kind} plugins`, contract],
      ["its own cases", await ownCases(file)],
    ] as const) {
      if (picked(cases).length === 0) continue;
      io.stdout.write(`${plugin.name}: ${title}\n`);
      for await (const outcome of run(picked(cases), stop.signal)) {
        count[outcome.result]++;
        io.stdout.write(outcomeText(outcome));
      }
    }
  } finally {
    process.off("SIGINT", onSignal);
  }
  if (stop.signal.aborted) io.stdout.write("stopped; the rest was not run\n");
  if (count.skipped > 0) io.stdout.write(`${count.skipped} skipped\n`);
  io.stdout.write(`${count.passed} passed, ${count.failed} failed\n`);
  return count.failed > 0 || stop.signal.aborted ? 1 : 0;
}

function contractOf(
  plugin: Plugin,
  file: string,
  options: (workDir: string) => unknown,
  request: TestRequest,
): { readonly contract: readonly AnyCase[]; readonly run: Runner } {
  if (plugin.kind === "store") {
    const subject = storeUnderTest(plugin, file, options, request);
    return {
      contract: STORE_CASES,
      run: (cases, signal) => runStoreContract(subject, cases as unknown as readonly StoreCase[], signal),
    };
  }
  const contract = { auth: AUTH_CASES, lifecycle: LIFECYCLE_CASES, policy: POLICY_CASES }[plugin.kind as string];
  if (!contract) {
    throw new MeshError("MM100", `there is no contract for plugins of kind ${plugin.kind}`, { where: file });
  }
  const run: Runner = (cases, signal) =>
    runCases(cases, { run: (each) => runInstanceCase(plugin, file, options, each) }, signal);
  return { contract, run };
}

/** The default export of `NAME.test.mjs` beside `NAME.mjs`, whatever the extension; none if there is no such file. */
async function ownCases(file: string): Promise<readonly AnyCase[]> {
  const beside = file.replace(/(\.[cm]?[jt]s)$/, ".test$1");
  if (beside === file || !existsSync(beside)) return [];
  const cases = await importPlugin(beside);
  const isCase = (each: unknown) =>
    typeof (each as AnyCase)?.name === "string" && typeof (each as AnyCase).run === "function";
  if (Array.isArray(cases) && cases.every(isCase)) return cases;
  throw new MeshError("MM801", "the default export of a test file must be a list of cases { name, run }", {
    where: beside,
  });
}

function outcomeText({ name, result, reason, error, took }: CaseOutcome): string {
  if (result === "skipped") return `  skipped  ${name}  (${reason})\n`;
  if (result === "passed") return `  passed   ${name}  ${Math.round(took)} ms\n`;
  const lines = messageOf(error).trim().split("\n").slice(0, 20);
  const why = error instanceof MeshError && error.why ? [error.why] : [];
  return `  FAILED   ${name}\n${[...lines, ...why, ...userFrames(error)].map((line) => `             ${line}\n`).join("")}`;
}

/** Where it happened, in the user's files only: frames of the host say nothing to them. */
function userFrames(error: unknown): string[] {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const frames = cause instanceof Error ? (cause.stack ?? "").split("\n") : [];
  return frames
    .filter((frame) => /file:\/\/\/.*\.[cm]?[jt]s:\d+/.test(frame))
    .map((frame) => frame.trim())
    .slice(0, 3);
}
