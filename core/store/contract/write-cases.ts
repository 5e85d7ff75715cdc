import assert from "node:assert/strict";
import { MeshError } from "../../kernel/errors.ts";
import { updateResource } from "../retry-on-conflict.ts";
import { draft, keyOf, rejects } from "./case-tools.ts";
import type { StoreCase } from "./store-case.ts";

export const writeCases: readonly StoreCase[] = [
  {
    name: "a new store is empty and at revision 0",
    async run({ store }) {
      assert.equal(await store.revision(), 0);
      assert.equal(await store.get(keyOf(draft("a"))), undefined);
      assert.deepEqual(await store.list("Dataplane"), { items: [], total: 0, next: undefined, revision: 0 });
    },
  },
  {
    name: "a put creates version 1 and reads back the same",
    async run({ store }) {
      const wanted = draft("a", { labels: { team: "x" }, spec: { networking: { address: "192.168.0.1" } } });
      const stored = await store.put(wanted);
      assert.deepEqual(
        { ...stored, creationTime: 0, modificationTime: 0 },
        { ...wanted, creationTime: 0, modificationTime: 0, version: 1, revision: 1 },
      );
      assert.deepEqual(await store.get(keyOf(wanted)), stored);
      assert.deepEqual((await store.list("Dataplane")).items, [stored]);
    },
  },
  {
    name: "every put counts the version of its key and the revision of the store",
    async run({ store }) {
      await store.put(draft("a"));
      await store.put(draft("b"));
      const again = await store.put(draft("a", { spec: { changed: true } }));
      assert.deepEqual([again.version, again.revision], [2, 3]);
      assert.equal(await store.revision(), 3);
      assert.deepEqual((await store.get(keyOf(again)))?.spec, { changed: true });
      assert.equal((await store.get(keyOf(draft("b"))))?.version, 1);
    },
  },
  {
    name: "an identical put is still a write",
    async run({ store }) {
      await store.put(draft("a"));
      assert.equal((await store.put(draft("a"))).version, 2);
      assert.equal(await store.revision(), 2);
    },
  },
  {
    name: "the creation time stays, the modification time follows the clock",
    async run({ store, advanceClock }) {
      const first = await store.put(draft("a"));
      assert.equal(first.creationTime, first.modificationTime);
      advanceClock(5000);
      const second = await store.put(draft("a"));
      assert.equal(second.creationTime, first.creationTime);
      assert.equal(second.modificationTime, first.modificationTime + 5000);
      assert.deepEqual(await store.get(keyOf(second)), second);
    },
  },
  {
    name: "keys differ by type, mesh and name",
    async run({ store }) {
      const all = [draft("a"), draft("a", { type: "Mesh", mesh: "" }), draft("a", { mesh: "other" }), draft("A")];
      for (const each of all) assert.equal((await store.put(each)).version, 1);
      await store.delete(keyOf(draft("a")));
      for (const each of all.slice(1)) assert.ok(await store.get(keyOf(each)), each.mesh);
    },
  },
  {
    name: "expectedVersion 0 only creates (MM409)",
    async run({ store }) {
      assert.equal((await store.put(draft("a"), { expectedVersion: 0 })).version, 1);
      await rejects("MM409", store.put(draft("a", { spec: { other: 1 } }), { expectedVersion: 0 }));
      assert.deepEqual((await store.get(keyOf(draft("a"))))?.spec, { name: "a" });
    },
  },
  {
    name: "a version that is not the stored one conflicts and changes nothing (MM409)",
    async run({ store }) {
      await store.put(draft("a"));
      const stored = await store.put(draft("a"), { expectedVersion: 1 });
      for (const expectedVersion of [1, 3]) {
        await rejects("MM409", store.put(draft("a", { spec: { other: 1 } }), { expectedVersion }));
        await rejects("MM409", store.delete(keyOf(stored), { expectedVersion }));
      }
      await rejects("MM409", store.delete(keyOf(stored), { expectedVersion: 0 }));
      await rejects("MM409", store.put(draft("absent"), { expectedVersion: 1 }));
      assert.deepEqual(await store.get(keyOf(stored)), stored);
      assert.equal(await store.get(keyOf(draft("absent"))), undefined);
      assert.equal(await store.revision(), 2);
    },
  },
  {
    name: "a delete returns the last version",
    async run({ store }) {
      const stored = await store.put(draft("a"));
      assert.deepEqual(await store.delete(keyOf(stored), { expectedVersion: 1 }), stored);
      assert.equal(await store.get(keyOf(stored)), undefined);
      assert.equal((await store.list("Dataplane")).total, 0);
      assert.equal(await store.revision(), 2);
    },
  },
  {
    name: "deleting what does not exist is MM404",
    async run({ store }) {
      await rejects("MM404", store.delete(keyOf(draft("a"))));
      await store.put(draft("a"));
      await store.delete(keyOf(draft("a")));
      await rejects("MM404", store.delete(keyOf(draft("a"))));
      await rejects("MM404", store.delete(keyOf(draft("a")), { expectedVersion: 1 }));
      assert.equal(await store.revision(), 2);
    },
  },
  {
    name: "a key that comes back starts at version 1 with its own creation time",
    async run({ store, advanceClock }) {
      const first = await store.put(draft("a"));
      await store.delete(keyOf(first));
      advanceClock(1000);
      const second = await store.put(draft("a"), { expectedVersion: 0 });
      assert.deepEqual([second.version, second.revision], [1, 3]);
      assert.equal(second.creationTime, first.creationTime + 1000);
    },
  },
  {
    name: "of 50 creates at once exactly one wins",
    async run({ store }) {
      const attempts = Array.from({ length: 50 }, (_, at) =>
        store.put(draft("a", { spec: { at } }), { expectedVersion: 0 }),
      );
      const results = await Promise.allSettled(attempts);
      const won = results.filter((result) => result.status === "fulfilled");
      assert.equal(won.length, 1);
      assert.deepEqual((await store.get(keyOf(draft("a"))))?.spec, won[0]?.value.spec);
      for (const result of results) {
        if (result.status === "fulfilled") continue;
        assert.ok(result.reason instanceof MeshError && result.reason.code === "MM409", String(result.reason));
      }
      assert.equal(await store.revision(), 1);
    },
  },
  {
    name: "of writes that run at once, those that are refused fail alone",
    async run({ store }) {
      await store.put(draft("taken"));
      const results = await Promise.allSettled(
        Array.from({ length: 64 }, (_, at) => {
          if (at % 4 === 0) return store.put(draft("taken"), { expectedVersion: 0 });
          if (at % 4 === 1) return store.delete(keyOf(draft(`absent-${at}`)));
          if (at % 4 === 2) return store.put(draft(`orphan-${at}`), { owner: keyOf(draft("nobody")) });
          return store.put(draft(`good-${at}`));
        }),
      );
      const codes = results.map((result) => (result.status === "fulfilled" ? "ok" : result.reason?.code));
      assert.deepEqual(
        codes,
        codes.map((_, at) => ["MM409", "MM404", "MM404", "ok"][at % 4]),
      );
      assert.equal((await store.list("Dataplane")).total, 17);
      assert.equal(await store.revision(), 17);
    },
  },
  {
    name: "compare-and-set loses no update",
    async run({ store }) {
      const count = (spec: unknown) => (spec as { count: number } | undefined)?.count ?? 0;
      const writer = async () => {
        for (let round = 0; round < 10; round++) {
          await updateResource(store, keyOf(draft("a")), (now) =>
            draft("a", { spec: { count: count(now?.spec) + 1 } }),
          );
        }
      };
      await Promise.all([writer(), writer(), writer(), writer()]);
      const stored = await store.get(keyOf(draft("a")));
      assert.equal(count(stored?.spec), 40);
      assert.equal(stored?.version, 40);
    },
  },
];
