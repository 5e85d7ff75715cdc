import assert from "node:assert/strict";
import { draft, keyOf, rejects } from "./case-tools.ts";
import type { StoreCase } from "./store-case.ts";

const KEY = keyOf(draft("a"));

export const epochCases: readonly StoreCase[] = [
  {
    name: "an epoch starts at 0, needs no resource, and advances by one",
    async run({ store }) {
      assert.equal(await store.epoch(KEY), 0);
      assert.equal(await store.advanceEpoch(KEY, 0), 1);
      assert.equal(await store.advanceEpoch(KEY, 1), 2);
      assert.equal(await store.epoch(KEY), 2);
      assert.equal(await store.epoch(keyOf(draft("b"))), 0);
      assert.equal(await store.epoch({ ...KEY, mesh: "other" }), 0);
      assert.equal(await store.revision(), 0);
    },
  },
  {
    name: "an advance from another epoch is MM511 and changes nothing",
    async run({ store }) {
      await store.advanceEpoch(KEY, 0);
      for (const expected of [0, 2, -1]) await rejects("MM511", store.advanceEpoch(KEY, expected));
      assert.equal(await store.epoch(KEY), 1);
    },
  },
  {
    name: "of 50 advances at once exactly one wins",
    async run({ store }) {
      for (let epoch = 0; epoch < 5; epoch++) {
        const results = await Promise.allSettled(Array.from({ length: 50 }, () => store.advanceEpoch(KEY, epoch)));
        const won = results.filter((result) => result.status === "fulfilled");
        assert.deepEqual(
          won.map((result) => result.value),
          [epoch + 1],
        );
        for (const result of results) if (result.status === "rejected") assert.equal(result.reason?.code, "MM511");
      }
    },
  },
  {
    name: "an epoch outlives its resource",
    async run({ store }) {
      await store.put(draft("a"));
      await store.advanceEpoch(KEY, 0);
      await store.delete(KEY);
      assert.equal(await store.epoch(KEY), 1);
      await store.put(draft("a"));
      assert.equal(await store.epoch(KEY), 1);
    },
  },
  {
    name: "a fenced write goes through at its epoch and is refused without effect at any other (MM511)",
    async run({ store }) {
      await store.advanceEpoch(KEY, 0);
      const fence = { key: KEY, epoch: 1 };
      const insight = draft("a", { type: "DataplaneInsight" });
      await store.put(draft("a"), { fence });
      await store.put(insight, { fence });
      await store.advanceEpoch(KEY, 1);
      for (const epoch of [0, 1, 3]) {
        const stale = { key: KEY, epoch };
        await rejects("MM511", store.put(draft("a", { spec: 2 }), { fence: stale }));
        await rejects("MM511", store.put(draft("new"), { fence: stale }));
        await rejects("MM511", store.delete(keyOf(insight), { fence: stale }));
      }
      assert.deepEqual((await store.get(KEY))?.spec, { name: "a" });
      assert.ok(await store.get(keyOf(insight)));
      assert.equal(await store.get(keyOf(draft("new"))), undefined);
      assert.equal(await store.revision(), 2);
      await store.delete(keyOf(insight), { fence: { key: KEY, epoch: 2 } });
    },
  },
  {
    name: "after an advance returned no write of the older owner gets in",
    async run({ store }) {
      for (let epoch = 0; epoch < 20; epoch++) {
        const fence = { key: KEY, epoch };
        const writes = Array.from({ length: 5 }, (_, at) =>
          store.put(draft("a", { spec: { epoch, at } }), { fence }).then(
            (resource) => resource.revision,
            (error) => assert.equal(error?.code, "MM511"),
          ),
        );
        await store.advanceEpoch(KEY, epoch);
        const fencedAt = await store.revision();
        const late = store.put(draft("a", { spec: "late" }), { fence });
        await rejects("MM511", late);
        for (const revision of await Promise.all(writes)) {
          assert.ok(revision === undefined || revision <= fencedAt, "an older owner wrote after the advance");
        }
      }
    },
  },
];
