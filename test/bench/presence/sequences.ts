import { once } from "node:events";
import { Worker } from "node:worker_threads";

const WORKER = new URL("../../core/presence/random-sequence.worker.ts", import.meta.url);
const THREADS = 2;

/** Plays random sequences against the invariants of core/presence, from a seed on. Rejects with the first that breaks one. */
export async function playSequences(count: number, first: number): Promise<{ readonly seconds: number }> {
  const started = performance.now();
  const share = Math.ceil(count / THREADS);
  const shares = Array.from({ length: THREADS }, async (_, thread) => {
    const from = thread * share;
    const workerData = { first: first + from, count: Math.min(share, count - from) };
    const worker = new Worker(WORKER, { workerData });
    try {
      await once(worker, "message");
    } finally {
      await worker.terminate();
    }
  });
  await Promise.all(shares);
  return { seconds: (performance.now() - started) / 1000 };
}
