import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { Worker } from "node:worker_threads";
import { MeshError } from "../../../core/kernel/errors.ts";
import { assertGapless, changesUpTo } from "../../../core/store/contract/case-tools.ts";
import type { ResourceStore } from "../../../core/store/resource-store.ts";
import { DRIVERS, draft, openStore, tempDir } from "./support.ts";

for (const driver of DRIVERS) {
  test(`when the writing thread dies its writes fail, and the next ones go to a new one (${driver})`, async (t) => {
    const workers: Worker[] = [];
    const remember = (worker: Worker) => workers.push(worker);
    process.on("worker", remember);
    t.after(() => process.off("worker", remember));
    const made = once(process, "worker");
    const store = await openStore(t, join(tempDir(t), "store.db"), driver);
    const [first] = await made;
    await once(first, "message");
    await store.put(draft("a"));
    for (let round = 0; round < 5; round++) {
      const writes = Array.from({ length: 50 }, (_, at) => store.put(draft(`n${round}-${at}`, "x".repeat(5000))));
      const outcomes = Promise.allSettled(writes);
      // Each round a little later, to meet the thread before, while and after it commits.
      for (let wait = 0; wait < round * 2; wait++) await turn();
      await workers.at(-1)?.terminate();
      for (const outcome of await outcomes) {
        if (outcome.status === "fulfilled") continue;
        assert.ok(outcome.reason instanceof MeshError && outcome.reason.code === "MM503", String(outcome.reason));
      }
      await store.put(draft("b", round));
    }
    assert.equal(workers.length, 6);
    const last = await store.revision();
    assertGapless(await changesUpTo(store, 0, last, t.signal), 1, last);
    await writesOf(store);
  });
}

for (const driver of DRIVERS) {
  test(`writes do not wait for the thread to boot, and go over to it without a gap (${driver})`, async (t) => {
    let booted = false;
    const onWorker = (worker: Worker) => {
      worker.once("message", () => {
        booted = true;
      });
    };
    process.on("worker", onWorker);
    t.after(() => process.off("worker", onWorker));
    const path = join(tempDir(t), "store.db");
    const store = await openStore(t, path, driver);
    await store.put(draft("first"));
    assert.equal(booted, false, "the first write waited for the thread");
    let later = 0;
    for (let at = 0; later < 5; at++) {
      await Promise.all([store.put(draft(`n${at % 7}`)), store.put(draft("shared"))]);
      if (booted) later++;
      await turn();
    }
    const last = await store.revision();
    assertGapless(await changesUpTo(store, 0, last, t.signal), 1, last);
    await writesOf(store);
    await store.close();
    assert.ok(!existsSync(`${path}-wal`), "both connections are closed");
    // Closed before the thread has booted.
    const again = await openStore(t, path, driver);
    assert.equal((await again.put(draft("first"))).version, 2);
    await again.close();
    assert.ok(!existsSync(`${path}-wal`));
  });
}

/** What the changes tell is what is stored. */
async function writesOf(store: ResourceStore): Promise<void> {
  const { items, revision } = await store.list("Dataplane");
  assert.equal(
    items.reduce((sum, item) => sum + item.version, 0),
    revision,
  );
}

test("writes that wait together share a commit", async (t) => {
  const store = await openStore(t, join(tempDir(t), "store.db"));
  const batches: number[] = [];
  const watching = new AbortController();
  const watch = (async () => {
    for await (const batch of store.watch(0, watching.signal)) batches.push(batch.length);
  })();
  await Promise.all(Array.from({ length: 64 }, (_, at) => store.put(draft(`n${at}`))));
  await turn();
  watching.abort();
  await watch;
  assert.deepEqual(batches, [64]);
});

test("a long list lets the event loop turn", async (t) => {
  const store = await openStore(t, join(tempDir(t), "store.db"));
  await Promise.all(Array.from({ length: 4000 }, (_, at) => store.put(draft(`n${at}`))));
  for (const query of [{}, { nameContains: "n1" }, { limit: 3000 }]) {
    let turns = 0;
    let listing = true;
    const counting = (async () => {
      while (listing) {
        await turn();
        turns++;
      }
    })();
    await store.list("Dataplane", query);
    listing = false;
    await counting;
    assert.ok(turns >= 5, `${turns} turns`);
  }
});
