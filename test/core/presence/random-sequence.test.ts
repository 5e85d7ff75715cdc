import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { Worker } from "node:worker_threads";

const count = Number(process.env["MONOMESH_TEST_SEQUENCES"] ?? 1000);
const first = Number(process.env["MONOMESH_TEST_SEED"] ?? Math.floor(Math.random() * 1_000_000_000));

// In a thread of its own: node:test follows every promise of its own thread, which makes this six times slower.
test(`${count} random sequences from seed ${first} keep the invariants (MONOMESH_TEST_SEED repeats them)`, async (t) => {
  t.diagnostic(`seed ${first}`);
  const worker = new Worker(new URL("random-sequence.worker.ts", import.meta.url), { workerData: { first, count } });
  t.after(() => worker.terminate());
  const [message] = (await once(worker, "message")) as [unknown];
  assert.equal(message, "done");
});
