import assert from "node:assert/strict";
import { assertGapless, assertNothingLost, changesUpTo, draft, keyOf, MESH, rejects } from "./case-tools.ts";
import type { StoreCase } from "./store-case.ts";

export const lifeCases: readonly StoreCase[] = [
  {
    name: "close ends the watches",
    async run({ store, signal }) {
      await store.put(draft("a"));
      const seen: number[] = [];
      const watching = (async () => {
        for await (const batch of store.watch(0, signal)) seen.push(...batch.map((change) => change.revision));
      })();
      const waiting = (async () => {
        for await (const _ of store.watch(1, signal)) assert.fail("nothing was written");
      })();
      await new Promise((resolve) => setImmediate(resolve));
      await store.close();
      await Promise.all([watching, waiting]);
      assert.deepEqual(seen, [1]);
    },
  },
  {
    name: "close may be called twice; afterwards everything is MM503",
    async run({ store, signal }) {
      await store.put(draft("a"));
      await Promise.all([store.close(), store.close()]);
      await store.close();
      const key = keyOf(draft("a"));
      await rejects("MM503", store.get(key));
      await rejects("MM503", store.list("Dataplane"));
      await rejects("MM503", store.put(draft("b")));
      await rejects("MM503", store.delete(key));
      await rejects("MM503", store.revision());
      await rejects("MM503", store.epoch(key));
      await rejects("MM503", store.advanceEpoch(key, 0));
      await rejects("MM503", changesUpTo(store, 0, 1, signal));
    },
  },
  {
    name: "writes that were begun before close are finished",
    needs: "durable",
    async run({ store, reopen }) {
      const writes = Array.from({ length: 20 }, (_, at) => store.put(draft(`n${at}`)));
      const reopened = await reopen();
      await Promise.all(writes);
      assert.equal((await reopened.list("Dataplane")).total, 20);
    },
  },
  {
    name: "a store that is opened again has everything",
    needs: "durable",
    async run({ store, signal, reopen }) {
      await store.put(MESH);
      await store.put(draft("a", { labels: { x: "y" } }), { owner: keyOf(MESH) });
      const kept = await store.put(draft("a", { spec: { n: 2 } }));
      await store.put(draft("b"));
      await store.delete(keyOf(draft("b")));
      await store.advanceEpoch(keyOf(draft("b")), 0);

      const again = await reopen();
      assert.equal(await again.revision(), 5);
      assert.deepEqual(await again.get(keyOf(kept)), kept);
      assert.equal(await again.get(keyOf(draft("b"))), undefined);
      assert.equal(await again.epoch(keyOf(draft("b"))), 1);
      await rejects("MM409", again.put(draft("a"), { expectedVersion: 1 }));
      const next = await again.put(draft("a"), { expectedVersion: 2 });
      assert.deepEqual([next.version, next.revision, next.creationTime], [3, 6, kept.creationTime]);
      assertGapless(await changesUpTo(again, 5, 6, signal), 6, 6);
      await again.delete(keyOf(MESH));
      assert.equal(await again.get(keyOf(kept)), undefined, "owners are kept too");
    },
  },
  {
    name: "a revision is never used twice, even if the newest resources were deleted before a restart",
    needs: "durable",
    async run({ store, reopen }) {
      await store.put(draft("a"));
      await store.delete(keyOf(draft("a")));
      let current = store;
      for (let round = 0; round < 3; round++) {
        current = await reopen();
        assert.equal(await current.revision(), 2 + round);
        assert.equal((await current.put(draft(`n${round}`))).revision, 3 + round);
      }
    },
  },
  {
    name: "a kill -9 while writing loses nothing that was answered",
    needs: "writer",
    async run({ store, reopen, killWhileWriting }) {
      let before = await store.revision();
      for (let kill = 0; kill < 3; kill++) {
        const answered = await killWhileWriting();
        before = await assertNothingLost(await reopen(), answered, before);
      }
    },
  },
  {
    name: "a watch over a restart continues without gap or is MM510",
    needs: "durable",
    async run({ store, signal, reopen }) {
      for (let at = 0; at < 10; at++) await store.put(draft(`n${at}`));
      const again = await reopen();
      await again.put(draft("after"));
      const changes = await changesUpTo(again, 4, 11, signal).catch((error) => {
        assert.equal(error?.code, "MM510");
        return undefined;
      });
      if (changes) assertGapless(changes, 5, 11);
    },
  },
];
