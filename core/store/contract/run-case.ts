import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../kernel/clock.ts";
import { silentLogger } from "../../kernel/log.ts";
import { Scope } from "../../kernel/scope.ts";
import type { ResourceStore } from "../resource-store.ts";
import { killWhileWriting } from "./kill-while-writing.ts";
import { KEPT, type StoreCase, type StoreUnderTest } from "./store-case.ts";

/** A case that hangs is given up after this many milliseconds. */
export const PATIENCE_MS = 60_000;

/** Why the case does not apply to the store; undefined if it does. */
export function skipReason(subject: StoreUnderTest, storeCase: StoreCase): string | undefined {
  if (storeCase.needs === "durable" && !subject.durable) return "the store does not promise to outlive its process";
  if (storeCase.needs === "compacts" && !subject.compacts) return "the number of kept changes cannot be set";
  if (storeCase.needs === "writer" && !(subject.durable && subject.writer)) return "there is no process to kill";
  if (storeCase.needs === "large" && subject.large === false)
    return "cases with thousands of resources are left out here";
  return undefined;
}

/** Runs one case over a new store in a new directory, and removes both. Rejects when the store breaks the promise. */
export async function runStoreCase(
  subject: StoreUnderTest,
  storeCase: StoreCase,
  patienceMs = PATIENCE_MS,
): Promise<void> {
  const workDir = await mkdtemp(join(tmpdir(), "store-contract-"));
  const scope = new Scope("store-contract");
  const started = Date.now();
  let advanced = 0;
  const clock = { ...systemClock, now: () => started + advanced };
  const retainedChanges = storeCase.needs === "compacts" ? KEPT : undefined;
  const open = () => subject.open({ scope: scope.child("store"), log: silentLogger, clock, workDir, retainedChanges });
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(new Error(`no answer within ${patienceMs / 1000} s`)), patienceMs);
  let store: ResourceStore | undefined;
  try {
    const opened = await inTime(open(), patience.signal);
    store = opened;
    const work = storeCase.run({
      store: opened,
      signal: AbortSignal.any([scope.signal, patience.signal]),
      advanceClock: (ms) => {
        advanced += ms;
      },
      workDir,
      reopen: async () => {
        await store?.close();
        store = await open();
        return store;
      },
      killWhileWriting: async () => {
        await store?.close();
        if (!subject.writer) throw new Error("the store under test has no writer");
        return killWhileWriting(subject.writer(workDir), patience.signal);
      },
    });
    await inTime(Promise.resolve(work), patience.signal);
  } finally {
    // Also after a failure: a store that stays open would keep the process and the directory busy.
    await inTime(Promise.resolve(store?.close()), patience.signal).finally(async () => {
      clearTimeout(timer);
      await scope.close();
      await rm(workDir, { recursive: true, force: true });
    });
  }
}

/** Gives up when the case took too long; what it started may then still be running. */
function inTime<T>(work: Promise<T>, patience: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const giveUp = () => reject(patience.reason);
    if (patience.aborted) giveUp();
    patience.addEventListener("abort", giveUp, { once: true });
    work.then(resolve, reject).finally(() => patience.removeEventListener("abort", giveUp));
  });
}
