import assert from "node:assert/strict";
import type { ResourceDraft } from "../../model/resource.ts";
import { changesUpTo, changeText, draft, keyOf, MESH, rejects } from "./case-tools.ts";
import type { StoreCase } from "./store-case.ts";

const insight = (name: string): ResourceDraft => draft(name, { type: "DataplaneInsight" });

export const ownerCases: readonly StoreCase[] = [
  {
    name: "deleting an owner deletes what it owns, owned ones first, a change for each",
    async run({ store, signal }) {
      await store.put(MESH);
      await store.put(draft("a"), { owner: keyOf(MESH) });
      await store.put(insight("a"), { owner: keyOf(draft("a")) });
      await store.put(draft("b"));
      assert.equal((await store.delete(keyOf(MESH))).name, MESH.name);
      const changes = await changesUpTo(store, 4, 7, signal);
      assert.deepEqual(changes.map(changeText), [
        "5 delete DataplaneInsight a v1",
        "6 delete Dataplane a v1",
        "7 delete Mesh default v1",
      ]);
      assert.deepEqual(changes[0]?.resource.spec, { name: "a" });
      assert.equal(await store.get(keyOf(insight("a"))), undefined);
      assert.equal(await store.get(keyOf(draft("a"))), undefined);
      assert.ok(await store.get(keyOf(draft("b"))));
      assert.equal(await store.revision(), 7);
    },
  },
  {
    name: "owners may be of another mesh, and own many",
    async run({ store, signal }) {
      const owner = draft("owner", { mesh: "other" });
      await store.put(owner);
      await Promise.all(Array.from({ length: 300 }, (_, at) => store.put(draft(`n${at}`), { owner: keyOf(owner) })));
      await store.delete(keyOf(owner));
      const changes = await changesUpTo(store, 301, 602, signal);
      assert.equal(changes.length, 301);
      assert.equal(changes.at(-1)?.resource.name, "owner");
      assert.equal(new Set(changes.map((change) => change.resource.name)).size, 301);
      assert.equal((await store.list("Dataplane")).total, 0);
    },
  },
  {
    name: "a long chain of owners goes at once",
    async run({ store, signal }) {
      for (let at = 0; at < 100; at++) {
        await store.put(draft(`n${at}`), { owner: at === 0 ? undefined : keyOf(draft(`n${at - 1}`)) });
      }
      await store.delete(keyOf(draft("n0")));
      const changes = await changesUpTo(store, 100, 200, signal);
      assert.deepEqual(
        changes.map((change) => change.resource.name),
        Array.from({ length: 100 }, (_, at) => `n${99 - at}`),
      );
    },
  },
  {
    name: "an owner that does not exist is MM404 and stores nothing",
    async run({ store }) {
      await rejects("MM404", store.put(draft("a"), { owner: keyOf(MESH) }));
      assert.equal(await store.get(keyOf(draft("a"))), undefined);
      const stored = await store.put(draft("a"));
      await rejects("MM404", store.put(draft("a", { spec: 2 }), { owner: keyOf(MESH) }));
      assert.deepEqual(await store.get(keyOf(stored)), stored);
    },
  },
  {
    name: "a put without owner keeps the owner, a put with another changes it",
    async run({ store }) {
      await store.put(MESH);
      await store.put(draft("boss"));
      await store.put(draft("a"), { owner: keyOf(MESH) });
      await store.put(draft("a", { spec: 2 }));
      await store.put(draft("b"), { owner: keyOf(MESH) });
      await store.put(draft("b"), { owner: keyOf(draft("boss")) });
      await store.delete(keyOf(MESH));
      assert.equal(await store.get(keyOf(draft("a"))), undefined);
      assert.ok(await store.get(keyOf(draft("b"))));
      await store.delete(keyOf(draft("boss")));
      assert.equal(await store.get(keyOf(draft("b"))), undefined);
    },
  },
  {
    name: "what was deleted and made anew has no owner",
    async run({ store }) {
      await store.put(MESH);
      await store.put(draft("a"), { owner: keyOf(MESH) });
      await store.delete(keyOf(draft("a")));
      await store.put(draft("a"));
      await store.delete(keyOf(MESH));
      assert.ok(await store.get(keyOf(draft("a"))));
    },
  },
  {
    name: "nothing owns itself, directly or through others (MM400)",
    async run({ store }) {
      await rejects("MM400", store.put(draft("new"), { owner: keyOf(draft("new")) }));
      await store.put(draft("a"));
      await store.put(draft("b"), { owner: keyOf(draft("a")) });
      await store.put(draft("c"), { owner: keyOf(draft("b")) });
      await rejects("MM400", store.put(draft("a"), { owner: keyOf(draft("a")) }));
      await rejects("MM400", store.put(draft("a"), { owner: keyOf(draft("c")) }));
      assert.equal(await store.revision(), 3);
      await store.delete(keyOf(draft("a")));
      assert.equal((await store.list("Dataplane")).total, 0);
    },
  },
  {
    name: "a refused delete of an owner leaves all it owns",
    async run({ store }) {
      await store.put(MESH);
      await store.put(draft("a"), { owner: keyOf(MESH) });
      await rejects("MM409", store.delete(keyOf(MESH), { expectedVersion: 9 }));
      await rejects("MM511", store.delete(keyOf(MESH), { fence: { key: keyOf(MESH), epoch: 1 } }));
      assert.ok(await store.get(keyOf(draft("a"))));
      assert.equal(await store.revision(), 2);
    },
  },
];
