import assert from "node:assert/strict";
import { test } from "node:test";
import type { Resource } from "../../../core/model/resource.ts";
import { STORE_CASES } from "../../../core/store/contract/cases.ts";
import { runStoreContract } from "../../../core/store/contract/run-contract.ts";
import type { Change, ResourceStore } from "../../../core/store/resource-store.ts";
import { createMemoryStore } from "../../../plugins/store-memory/memory-store.ts";

/** A store with one promise broken. */
type Break = (sound: ResourceStore) => Partial<ResourceStore>;

function storeWith(broken: Break): ResourceStore {
  const sound = createMemoryStore({ retainedChanges: 100_000 });
  const parts = broken(sound);
  return new Proxy(sound, {
    get(target, name) {
      const part = Reflect.get(parts, name) ?? Reflect.get(target, name);
      return typeof part === "function" ? part.bind(target) : part;
    },
  });
}

/** Names of the cases that fail. */
async function failures(broken: Break, pick: RegExp, patienceMs = 1000): Promise<string[]> {
  const cases = STORE_CASES.filter((each) => pick.test(each.name));
  assert.ok(cases.length > 0);
  const subject = { durable: false, compacts: false, open: async () => storeWith(broken) };
  const failed: string[] = [];
  for await (const outcome of runStoreContract(subject, cases, new AbortController().signal, patienceMs)) {
    if (outcome.result === "failed") failed.push(outcome.name);
  }
  return failed;
}

async function* changed(source: AsyncIterable<readonly Change[]>, edit: (changes: readonly Change[]) => Change[]) {
  for await (const batch of source) yield edit(batch);
}

const BROKEN: readonly {
  readonly what: string;
  readonly broken: Break;
  readonly finds: RegExp;
  readonly patienceMs?: number;
}[] = [
  {
    what: "ignores versions",
    broken: (sound) => ({ put: (draft, options) => sound.put(draft, { ...options, expectedVersion: undefined }) }),
    finds: /^expectedVersion 0 only creates/,
  },
  {
    what: "ignores fences",
    broken: (sound) => ({ put: (draft, options) => sound.put(draft, { ...options, fence: undefined }) }),
    finds: /^a fenced write goes through/,
  },
  {
    what: "forgets owners",
    broken: (sound) => ({ put: (draft, options) => sound.put(draft, { ...options, owner: undefined }) }),
    finds: /^deleting an owner deletes what it owns/,
  },
  {
    what: "loses every third change of a watch",
    broken: (sound) => ({
      watch: (revision, signal) =>
        changed(sound.watch(revision, signal), (changes) => changes.filter((change) => change.revision % 3 !== 0)),
    }),
    finds: /^watches that start while writes go on/,
  },
  {
    what: "tells a change twice",
    broken: (sound) => ({
      watch: (revision, signal) => changed(sound.watch(revision, signal), (changes) => [...changes, ...changes]),
    }),
    finds: /^a watch from 0 gives the whole history/,
  },
  {
    what: "hands out what can be changed",
    broken: (sound) => ({ get: async (key) => structuredClone(await sound.get(key)) }),
    finds: /^what the store hands out is frozen/,
  },
  {
    what: "counts pages by number",
    broken: (sound) => ({
      async list(type, query = {}) {
        const start = Number(query.after ?? 0);
        const all = (await sound.list(type, { ...query, after: undefined, limit: undefined })).items;
        const items = all.slice(start, start + (query.limit ?? all.length));
        const end = start + items.length;
        return {
          items,
          total: all.length,
          next: end < all.length ? String(end) : undefined,
          revision: await sound.revision(),
        };
      },
    }),
    finds: /^pages skip and repeat nothing/,
  },
  {
    what: "reads everything for each page",
    broken: (sound) => ({
      async list(type, query = {}) {
        // As from a disk: everything has to be decoded. Reading references alone is too quick to be told from a page.
        const everything = await sound.list(type, { ...query, after: undefined, limit: undefined });
        JSON.parse(JSON.stringify(everything.items));
        return sound.list(type, query);
      },
    }),
    finds: /^a page of 100,000 resources is read without the rest/,
    patienceMs: 60_000,
  },
  {
    what: "lets several advances win",
    broken: (sound) => ({
      advanceEpoch: (key, expected) => sound.advanceEpoch(key, expected).catch(() => expected + 1),
    }),
    finds: /^of 50 advances at once exactly one wins/,
  },
  {
    what: "puts several one by one",
    broken: (sound) => ({
      async putAll(puts, advance) {
        if (advance) await sound.advanceEpoch(advance.key, advance.epoch);
        const stored: Resource[] = [];
        for (const { draft, ...options } of puts) stored.push(await sound.put(draft, options));
        return stored;
      },
    }),
    finds: /^one put of several that is refused takes all of them back/,
  },
  {
    what: "moves no epoch with several puts",
    broken: (sound) => ({ putAll: (puts) => sound.putAll(puts) }),
    finds: /^several puts can move an epoch with them/,
  },
  {
    what: "never answers",
    broken: () => ({ get: () => new Promise(() => undefined) }),
    finds: /^a put creates version 1/,
  },
  {
    what: "throws something else than a MeshError",
    broken: () => ({ delete: () => Promise.reject(new Error("no such row")) }),
    finds: /^deleting what does not exist is MM404/,
  },
];

for (const { what, broken, finds, patienceMs } of BROKEN) {
  test(`the contract finds a store that ${what}`, async () => {
    assert.equal((await failures(broken, finds, patienceMs)).length, 1);
  });
}

test("a store that cannot be opened fails its cases, and the run goes on", async () => {
  const subject = { durable: false, compacts: false, open: () => Promise.reject(new Error("no disk")) };
  const outcomes = [];
  for await (const outcome of runStoreContract(subject, STORE_CASES.slice(0, 3), new AbortController().signal)) {
    outcomes.push(outcome.result);
  }
  assert.deepEqual(outcomes, ["failed", "failed", "failed"]);
});

test("cases that a store does not promise are skipped with the reason", async () => {
  const subject = { durable: false, compacts: false, large: false, open: async () => createMemoryStore() };
  const needy = STORE_CASES.filter((each) => each.needs);
  for await (const outcome of runStoreContract(subject, needy, new AbortController().signal)) {
    assert.equal(outcome.result, "skipped");
    assert.ok(outcome.reason);
  }
});

test("names of cases are unique: a report is read by them", () => {
  const names = STORE_CASES.map((each) => each.name);
  assert.equal(new Set(names).size, names.length);
});
