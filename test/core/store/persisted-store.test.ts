import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { systemClock } from "../../../core/kernel/clock.ts";
import { MeshError } from "../../../core/kernel/errors.ts";
import { draft, keyOf, rejects } from "../../../core/store/contract/case-tools.ts";
import type { ResourceStore } from "../../../core/store/resource-store.ts";
import { openPersistedStore } from "../../../core/store/table/persisted-store.ts";
import type { StoreCommit, StorePersistence, StoreSnapshot } from "../../../core/store/table/persistence.ts";
import { storeContract } from "../../contract/store/store-contract.ts";

/** Keeps text, as a file would, and gives back what the text says. */
class TextPersistence implements StorePersistence {
  readonly #texts: Map<string, string>;
  readonly commits: StoreCommit[] = [];
  failing: Error | undefined;
  /** Awaited by each commit, before anything is kept. */
  gate: Promise<void> | undefined;

  constructor(texts = new Map<string, string>()) {
    this.#texts = texts;
  }

  async load(): Promise<StoreSnapshot> {
    const all = [...this.#texts].map(([key, text]) => ({ kind: key.split(" ")[0], value: JSON.parse(text) }));
    return {
      revision: JSON.parse(this.#texts.get("revision") ?? "0"),
      records: all.filter(({ kind }) => kind === "record").map(({ value }) => value),
      epochs: all.filter(({ kind }) => kind === "epoch").map(({ value }) => value),
    };
  }

  async commit(commit: StoreCommit): Promise<void> {
    await (this.gate ?? turn());
    if (this.failing) throw this.failing;
    this.commits.push(commit);
    const id = (key: object) => JSON.stringify(key);
    for (const key of commit.deletes) this.#texts.delete(`record ${id(key)}`);
    for (const put of commit.puts) this.#texts.set(`record ${id(keyOf(put.resource))}`, JSON.stringify(put));
    for (const epoch of commit.epochs) this.#texts.set(`epoch ${id(epoch.key)}`, JSON.stringify(epoch));
    this.#texts.set("revision", String(commit.revision));
  }
}

const kept = new Map<string, Map<string, string>>();
storeContract(
  "over a persistence",
  ({ workDir, clock, retainedChanges }) => {
    const texts = kept.get(workDir) ?? new Map<string, string>();
    kept.set(workDir, texts);
    return openPersistedStore({ persistence: new TextPersistence(texts), clock, retainedChanges });
  },
  { durable: true, compacts: true, large: false },
);

async function openOn(t: TestContext, persistence: StorePersistence): Promise<ResourceStore> {
  const store = await openPersistedStore({ persistence, clock: systemClock });
  t.after(() => store.close());
  return store;
}

test("nobody sees a write before it is kept", async (t) => {
  const persistence = new TextPersistence();
  const store = await openOn(t, persistence);
  const gate = Promise.withResolvers<void>();
  persistence.gate = gate.promise;
  const seen: number[] = [];
  const watching = (async () => {
    for await (const batch of store.watch(0, t.signal)) seen.push(...batch.map((change) => change.revision));
  })();
  const writing = store.put(draft("a"));
  const advancing = store.advanceEpoch(keyOf(draft("a")), 0);
  for (let wait = 0; wait < 5; wait++) await turn();
  assert.equal(await store.get(keyOf(draft("a"))), undefined);
  assert.deepEqual([await store.revision(), (await store.list("Dataplane")).total, seen.length], [0, 0, 0]);
  assert.equal(await store.epoch(keyOf(draft("a"))), 0);
  gate.resolve();
  await Promise.all([writing, advancing]);
  assert.equal((await store.get(keyOf(draft("a"))))?.version, 1);
  await store.close();
  await watching;
  assert.deepEqual(seen, [1]);
});

test("a commit that fails has no effect, its writes fail with its reason, and the next one goes through", async (t) => {
  const persistence = new TextPersistence();
  const store = await openOn(t, persistence);
  await store.put(draft("mesh"));
  await store.put(draft("a"), { owner: keyOf(draft("mesh")) });
  persistence.failing = new MeshError("MM503", "the disk is full");
  await rejects("MM503", store.put(draft("b")));
  await rejects("MM503", store.delete(keyOf(draft("mesh"))));
  await rejects("MM503", store.advanceEpoch(keyOf(draft("a")), 0));
  await rejects("MM409", store.put(draft("a"), { expectedVersion: 7 }));
  assert.deepEqual([await store.revision(), (await store.list("Dataplane")).total], [2, 2]);
  persistence.failing = undefined;
  assert.equal((await store.put(draft("b"))).revision, 3);
  assert.equal(await store.advanceEpoch(keyOf(draft("a")), 0), 1);
  await store.delete(keyOf(draft("mesh")));
  assert.equal(await store.get(keyOf(draft("a"))), undefined, "the owner is still known");
});

test("writes that wait share a commit, and of several to one key it has the last", async (t) => {
  const persistence = new TextPersistence();
  const store = await openOn(t, persistence);
  await Promise.all([
    ...Array.from({ length: 20 }, (_, at) => store.put(draft("a", { spec: at }))),
    store.put(draft("gone")),
    store.delete(keyOf(draft("gone"))),
  ]);
  assert.equal(persistence.commits.length, 1);
  const [commit] = persistence.commits;
  assert.deepEqual(
    commit?.puts.map(({ resource }) => [resource.name, resource.spec, resource.version]),
    [["a", 19, 20]],
  );
  assert.deepEqual(commit?.deletes, [keyOf(draft("gone"))]);
  assert.equal(commit?.revision, 22);
});

test("what no commit can have kept is refused with the name of the resource", async () => {
  const good = { ...draft("a"), version: 1, revision: 1, creationTime: 0, modificationTime: 0 };
  const open = (records: readonly unknown[]) =>
    openPersistedStore({
      clock: systemClock,
      persistence: { load: async () => ({ revision: 1, records, epochs: [] }) as never, commit: async () => undefined },
    });
  await open([{ resource: good }]);
  for (const [bad, why] of [
    [{ ...good, version: 0 }, /version/],
    [{ ...good, revision: 2 }, /revision/],
    [{ ...good, spec: undefined, labels: "x" }, /labels, spec/],
  ] as const) {
    await assert.rejects(open([{ resource: bad }]), (error) => {
      assert.ok(error instanceof MeshError && error.code === "MM500", String(error));
      assert.match(error.message, /Dataplane "a" of mesh "default"/);
      assert.match(error.why ?? "", why);
      return true;
    });
  }
  await rejects("MM500", open([{ resource: good }, { resource: good }]));
  await rejects("MM500", open([{}]));
});
