import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { systemClock } from "../../../core/kernel/clock.ts";
import type { ErrorCode } from "../../../core/kernel/error-table.ts";
import { MeshError } from "../../../core/kernel/errors.ts";
import { createLogger, silentLogger } from "../../../core/kernel/log.ts";
import { changesUpTo, draft, keyOf, rejects } from "../../../core/store/contract/case-tools.ts";
import { createGuardedStore } from "../../../core/store/guarded-store.ts";
import type { Change, ResourceStore } from "../../../core/store/resource-store.ts";
import { createMemoryStore } from "../../../plugins/store-memory/memory-store.ts";
import { storeContract } from "../../contract/store/store-contract.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const FILE = "/etc/monomesh/shelf.mjs";
const OPTIONS = { kind: "store", name: "shelf", file: FILE, clock: systemClock, log: silentLogger };

storeContract(
  "memory behind a guard",
  async ({ clock, retainedChanges }) =>
    createGuardedStore(createMemoryStore({ clock, retainedChanges }), { ...OPTIONS, clock }),
  { durable: false, compacts: true, large: false },
);

/** A guarded memory store in which some methods are other ones. */
function guarded(parts: (sound: ResourceStore) => Partial<ResourceStore>, options: Partial<typeof OPTIONS> = {}) {
  const sound = createMemoryStore();
  const broken = parts(sound);
  const store = new Proxy(sound, {
    get(target, name) {
      const part = Reflect.get(broken, name) ?? Reflect.get(target, name);
      return typeof part === "function" ? part.bind(target) : part;
    },
  });
  return { sound, store: createGuardedStore(store, { ...OPTIONS, ...options }) };
}

/** The error names the plugin and its file. */
const says = (code: ErrorCode, text: RegExp) => (error: unknown) => {
  assert.ok(error instanceof MeshError, String(error));
  assert.equal(error.code, code, error.message);
  assert.equal(error.where, FILE);
  assert.match(error.message, /^the store plugin "shelf" /);
  assert.match(error.message, text);
  return true;
};

const key = keyOf(draft("a"));
const PAIR = [{ draft: draft("a") }, { draft: draft("b") }];

test("what a plugin throws is said with its name, a MeshError as it is", async () => {
  const { store } = guarded(() => ({
    get: () => Promise.reject(new TypeError("row is undefined")),
    epoch: () => {
      throw "a text";
    },
    delete: () => Promise.reject(new MeshError("MM409", "changed meanwhile")),
  }));
  await assert.rejects(store.get(key), says("MM500", /failed in get: row is undefined/));
  await assert.rejects(store.epoch(key), says("MM500", /failed in epoch: a text/));
  await rejects("MM409", store.delete(key));
});

test("a call that never returns is given up, and so is a close", async () => {
  const clock = new ManualClock();
  const never = () => new Promise<never>(() => undefined);
  const { store } = guarded(() => ({ put: never, list: never, close: never }), { clock: clock as never });
  const outcomes = [
    assert.rejects(store.put(draft("a")), says("MM503", /did not answer put within 30 s/)),
    assert.rejects(store.list("Dataplane"), says("MM503", /did not answer list within 30 s/)),
    assert.rejects(store.close(), says("MM503", /did not answer close within 30 s/)),
  ];
  await clock.advance(30_000);
  await Promise.all(outcomes);
  assert.equal(clock.pending, 0);
});

test("what comes back is looked at", async () => {
  const good = await createMemoryStore().put(draft("a"));
  const answering = (value: unknown) => async () => value as never;
  const page = { items: [good], total: 1, next: undefined, revision: 1 };
  const table: readonly [string, Partial<ResourceStore>, (store: ResourceStore) => Promise<unknown>, RegExp][] = [
    ["no object", { get: answering(7) }, (store) => store.get(key), /get returned 7, not a resource/],
    ["another resource", { get: answering(good) }, (store) => store.get({ ...key, name: "b" }), /for Dataplane "b"/],
    [
      "no version",
      { get: answering(Object.freeze({ ...good, version: "1" })) },
      (store) => store.get(key),
      /version 1/,
    ],
    ["unfrozen", { get: answering(structuredClone(good)) }, (store) => store.get(key), /unfrozen/],
    ["nothing for a put", { put: answering(undefined) }, (store) => store.put(draft("a")), /put returned undefined/],
    [
      "another version than the expected one",
      { put: answering(good) },
      (store) => store.put(draft("a"), { expectedVersion: 4 }),
      /version 1, not 5/,
    ],
    ["one for several puts", { putAll: answering([good]) }, (store) => store.putAll(PAIR), /no list of 2/],
    [
      "one twice for several puts",
      { putAll: answering([good, good]) },
      (store) => store.putAll(PAIR),
      /for Dataplane "b"/,
    ],
    [
      "gaps between several puts",
      { putAll: answering([good, Object.freeze({ ...good, name: "b", revision: 3 })]) },
      (store) => store.putAll(PAIR),
      /not consecutive/,
    ],
    [
      "another version for one of several puts",
      { putAll: answering([good, Object.freeze({ ...good, name: "b", revision: 2 })]) },
      (store) => store.putAll(PAIR.map((put) => ({ ...put, expectedVersion: 1 }))),
      /version 1, not 2/,
    ],
    ["no page", { list: answering([]) }, (store) => store.list("Dataplane"), /no page with items/],
    ["too small a total", { list: answering({ ...page, total: 0 }) }, (store) => store.list("Dataplane"), /total 0/],
    ["another type", { list: answering(page) }, (store) => store.list("Mesh"), /Dataplane "a"/],
    [
      "what was filtered out",
      { list: answering(page) },
      (store) => store.list("Dataplane", { labels: { x: "y" } }),
      /filtered out/,
    ],
    [
      "an item twice",
      { list: answering({ ...page, items: [good, good], total: 2 }) },
      (s) => s.list("Dataplane"),
      /order/,
    ],
    [
      "more than was asked for",
      { list: answering({ ...page, items: [good, good], total: 2 }) },
      (s) => s.list("Dataplane", { limit: 1 }),
      /more than 1/,
    ],
    ["no count", { revision: answering("1") }, (store) => store.revision(), /not a count/],
    ["another epoch", { advanceEpoch: answering(7) }, (store) => store.advanceEpoch(key, 0), /returned 7, not 1/],
    [
      "what throws when it is read",
      { get: answering(Object.defineProperty({}, "type", { get: () => assert.fail("trap") })) },
      (store) => store.get(key),
      /throws when it is read/,
    ],
  ];
  for (const [what, parts, call, text] of table) {
    const { store } = guarded(() => parts);
    await assert.rejects(call(store), says("MM801", text), what);
  }
});

test("an answer from before a write that was answered is refused", async () => {
  const { store } = guarded(() => ({ revision: async () => 1 }));
  await store.put(draft("a"));
  assert.equal(await store.revision(), 1);
  await store.put(draft("a"));
  await assert.rejects(store.revision(), says("MM801", /revision 1, though 2 was reached/));
  await store.putAll(PAIR);
  await assert.rejects(store.revision(), says("MM801", /revision 1, though 4 was reached/));
});

test("a plugin cannot change what it is given", async () => {
  const { store } = guarded((sound) => ({
    put(given, options) {
      (given.spec as { name: string }).name = "changed";
      return sound.put(given, options);
    },
  }));
  const mine = draft("a");
  await assert.rejects(store.put(mine), says("MM500", /failed in put/));
  assert.deepEqual(mine, draft("a"));
});

async function watchWith(t: TestContext, edit: (changes: readonly Change[]) => readonly Change[] | undefined) {
  const lines: string[] = [];
  const log = createLogger({ write: (_level, _event, text) => lines.push(text) });
  const clock = new ManualClock();
  const { store, sound } = guarded(
    (source) => ({
      async *watch(revision, signal) {
        for await (const batch of source.watch(revision, signal)) {
          const edited = edit(batch);
          if (!edited) return;
          yield edited;
        }
      },
    }),
    { log, clock: clock as never },
  );
  for (let at = 0; at < 3; at++) await sound.put(draft(`n${at}`));
  const watching = changesUpTo(store, 0, 3, t.signal);
  watching.catch(() => undefined);
  await clock.advance(1000);
  return { watching, lines };
}

test("a watch that skips or repeats changes is ended so that its watcher lists again, and logged by name", async (t) => {
  for (const edit of [
    (changes: readonly Change[]) => changes.filter((change) => change.revision !== 2),
    (changes: readonly Change[]) => [...changes, ...changes],
    () => [],
  ]) {
    const { watching, lines } = await watchWith(t, edit);
    await rejects("MM510", watching);
    assert.match(lines.join(), /the store plugin "shelf" broke its contract: watch gave/);
  }
});

test("a watch that ends by itself is an error, since its watcher would wait for ever", async (t) => {
  const { watching } = await watchWith(t, () => undefined);
  await assert.rejects(watching, says("MM801", /watch ended by itself/));
});

test("a watch that does not listen to its signal ends all the same", async () => {
  const { store } = guarded(() => ({
    watch: () => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => undefined) }) }),
  }));
  const stop = new AbortController();
  const watching = (async () => {
    for await (const _ of store.watch(0, stop.signal)) assert.fail("nothing was given");
  })();
  stop.abort();
  await watching;
});
