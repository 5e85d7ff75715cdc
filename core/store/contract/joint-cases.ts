import assert from "node:assert/strict";
import type { JointPut, ResourceStore } from "../resource-store.ts";
import { assertGapless, changesUpTo, changeText, draft, keyOf, MESH, namesOf, rejects } from "./case-tools.ts";
import type { StoreCase } from "./store-case.ts";

const KEY = keyOf(draft("a"));
const RECORD = draft("a", { type: "DataplanePresence" });
/** A resource and what it owns, made at once. */
const PAIR: readonly JointPut[] = [
  { draft: draft("a"), expectedVersion: 0 },
  { draft: RECORD, expectedVersion: 0, owner: KEY },
];

/** `work` is refused, and afterwards everything is as before. */
async function changesNothing(store: ResourceStore, work: () => Promise<void>): Promise<void> {
  const look = async () => ({
    dataplanes: (await store.list("Dataplane")).items,
    records: (await store.list(RECORD.type)).items,
    revision: await store.revision(),
    epoch: await store.epoch(KEY),
  });
  const before = await look();
  await work();
  assert.deepEqual(await look(), before);
}

export const jointCases: readonly StoreCase[] = [
  {
    name: "several puts are one write: consecutive revisions, in order, told to watchers",
    async run({ store, signal }) {
      await store.put(draft("b"));
      const stored = await store.putAll([
        { draft: draft("b", { spec: 2 }), expectedVersion: 1 },
        ...PAIR,
        { draft: MESH },
      ]);
      assert.deepEqual(
        stored.map(({ name, version, revision, spec }) => [name, version, revision, spec]),
        [
          ["b", 2, 2, 2],
          ["a", 1, 3, { name: "a" }],
          ["a", 1, 4, { name: "a" }],
          ["default", 1, 5, {}],
        ],
      );
      for (const resource of stored) assert.deepEqual(await store.get(keyOf(resource)), resource);
      const changes = await changesUpTo(store, 1, 5, signal);
      assertGapless(changes, 2, 5);
      assert.deepEqual(changes.map(changeText), [
        "2 put Dataplane b v2",
        "3 put Dataplane a v1",
        "4 put DataplanePresence a v1",
        "5 put Mesh default v1",
      ]);
      assert.deepEqual(
        changes.map(({ resource }) => resource),
        stored,
      );
    },
  },
  {
    name: "one put of several that is refused takes all of them back, and uses no revision",
    async run({ store }) {
      await store.put(draft("a"));
      await store.put(RECORD, { owner: KEY });
      await store.put(draft("owned", { type: RECORD.type }), { owner: keyOf(RECORD) });
      await store.advanceEpoch(KEY, 0);
      const others: readonly JointPut[] = [
        { draft: draft("a", { spec: "other" }), expectedVersion: 1 },
        { draft: { ...RECORD, spec: "other" }, owner: keyOf(draft("new")) },
        { draft: draft("new", { type: RECORD.type }), owner: keyOf(draft("new")) },
      ];
      const first: readonly JointPut[] = [{ draft: draft("new") }, ...others];
      const refusals: [Parameters<typeof rejects>[0], JointPut][] = [
        ["MM409", { draft: draft("new"), expectedVersion: 0 }],
        ["MM409", { draft: draft("a"), expectedVersion: 1 }],
        ["MM409", { draft: draft("c"), expectedVersion: 1 }],
        ["MM404", { draft: draft("c"), owner: keyOf(draft("nobody")) }],
        ["MM400", { draft: draft("c"), owner: keyOf(draft("c")) }],
        ["MM400", { draft: draft("new"), owner: keyOf(RECORD) }],
        ["MM400", { draft: draft("c", { spec: Number.NaN }) }],
      ];
      for (const [code, last] of refusals) {
        const advance = { key: KEY, epoch: 1 };
        await changesNothing(store, () => rejects(code, store.putAll([...first, last], advance)));
      }
      // Owners too are what they were.
      await store.delete(KEY);
      assert.deepEqual(namesOf((await store.list(RECORD.type)).items), []);
      assert.equal((await store.putAll(first.slice(0, 1)))[0]?.revision, 7);
    },
  },
  {
    name: "of several puts one may own another that comes before it or after it",
    async run({ store }) {
      for (const pair of [PAIR, [...PAIR].reverse()]) {
        await store.putAll(pair);
        await store.delete(KEY);
        assert.equal(await store.get(keyOf(RECORD)), undefined);
      }
      assert.equal(await store.revision(), 8);
      const circle = PAIR.map((put) => ({ owner: keyOf(RECORD), ...put }));
      await changesNothing(store, () => rejects("MM400", store.putAll(circle)));
    },
  },
  {
    name: "one key may be put several times at once",
    async run({ store, signal }) {
      const twice = [{ draft: draft("a", { spec: 1 }) }, { draft: draft("a", { spec: 2 }), expectedVersion: 1 }];
      assert.deepEqual(
        (await store.putAll(twice)).map(({ version }) => version),
        [1, 2],
      );
      assert.equal((await store.get(KEY))?.spec, 2);
      assert.deepEqual(
        (await changesUpTo(store, 0, 2, signal)).map(({ resource }) => resource.spec),
        [1, 2],
      );
    },
  },
  {
    name: "several puts can move an epoch with them; another epoch is MM511 and puts nothing",
    async run({ store }) {
      await store.putAll(PAIR, { key: KEY, epoch: 0 });
      assert.equal(await store.epoch(KEY), 1);
      const again = PAIR.map(({ draft: each }) => ({ draft: each }));
      for (const epoch of [0, 2]) {
        await changesNothing(store, () => rejects("MM511", store.putAll(again, { key: KEY, epoch })));
      }
      await rejects("MM511", store.put(draft("a"), { fence: { key: KEY, epoch: 0 } }));
      assert.deepEqual(await store.putAll([], { key: KEY, epoch: 1 }), []);
      assert.equal(await store.epoch(KEY), 2);
      assert.deepEqual(await store.putAll([]), []);
      assert.equal(await store.revision(), 2);
    },
  },
  {
    name: "of 30 joint writes from one epoch at once exactly one wins, whole",
    async run({ store }) {
      const writes = Array.from({ length: 30 }, (_, at) =>
        store.putAll(
          PAIR.map((put) => ({ ...put, draft: { ...put.draft, spec: at }, expectedVersion: undefined })),
          { key: KEY, epoch: 0 },
        ),
      );
      const results = await Promise.allSettled(writes);
      const winners = results.flatMap((result, at) => (result.status === "fulfilled" ? [at] : []));
      assert.equal(winners.length, 1);
      assert.equal((await store.get(KEY))?.spec, winners[0]);
      assert.equal((await store.get(keyOf(RECORD)))?.spec, winners[0]);
      assert.equal(await store.revision(), 2);
      for (const result of results) if (result.status === "rejected") assert.equal(result.reason?.code, "MM511");
    },
  },
  {
    name: "several puts, their owners and the epoch outlive a restart",
    needs: "durable",
    async run({ store, reopen }) {
      const stored = await store.putAll(PAIR, { key: KEY, epoch: 0 });
      const again = await reopen();
      for (const resource of stored) assert.deepEqual(await again.get(keyOf(resource)), resource);
      assert.equal(await again.epoch(KEY), 1);
      await again.delete(KEY);
      assert.equal(await again.get(keyOf(RECORD)), undefined);
    },
  },
];
