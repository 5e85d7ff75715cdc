import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../../core/kernel/clock.ts";
import { MeshError } from "../../../core/kernel/errors.ts";
import { createLogger } from "../../../core/kernel/log.ts";
import type { Change, ResourceStore } from "../../../core/store/resource-store.ts";
import { createMemoryStore } from "../../../plugins/store-memory/memory-store.ts";
import { dataplane, mesh } from "../view/fixtures.ts";
import { fixedDns, TestEngine } from "./fixtures.ts";

/** A real store whose lists and watches can be made to fail. */
function fragile(store: ResourceStore) {
  let failing: MeshError | undefined;
  const opened: AbortController[] = [];
  async function* watch(revision: number, signal: AbortSignal): AsyncGenerator<readonly Change[]> {
    if (failing) throw failing;
    const mine = new AbortController();
    opened.push(mine);
    yield* store.watch(revision, AbortSignal.any([signal, mine.signal]));
    if (failing) throw failing;
  }
  const proxy: ResourceStore = {
    get: (key) => store.get(key),
    list: async (type, query) => {
      if (failing?.code === "MM503") throw failing;
      return store.list(type, query);
    },
    put: (draft, options) => store.put(draft, options),
    putAll: (puts, advance) => store.putAll(puts, advance),
    delete: (key, options) => store.delete(key, options),
    revision: () => store.revision(),
    watch,
    epoch: (key) => store.epoch(key),
    advanceEpoch: (key, expected) => store.advanceEpoch(key, expected),
    close: () => store.close(),
  };
  return {
    store: proxy,
    fail(error: MeshError) {
      failing = error;
      for (const controller of opened.splice(0)) controller.abort();
    },
    recover() {
      failing = undefined;
    },
  };
}

test("a store that fails is tried again; proxies keep what they have, and nothing is missed", async () => {
  const events: string[] = [];
  const log = createLogger({ write: (_level, event) => events.push(event) });
  const { store, fail, recover } = fragile(createMemoryStore());
  fail(new MeshError("MM503", "the store is away"));
  await using mine = new TestEngine({ store, log });
  const watcher = mine.watch("web");
  await systemClock.sleep(30, mine.scope.signal);
  recover();
  await mine.put(dataplane("web", { outbound: ["a"] }));
  assert.deepEqual(watcher.names("cluster"), ["a"]);
  fail(new MeshError("MM503", "the store is away"));
  await systemClock.sleep(30, mine.scope.signal);
  assert.deepEqual(watcher.names("cluster"), ["a"]);
  recover();
  await mine.put(dataplane("web", { outbound: ["a", "b"] }));
  assert.deepEqual(watcher.names("cluster"), ["a", "b"]);
  assert.deepEqual(events, ["store-lost", "store-recovered", "store-lost", "store-recovered"]);
});

test("when changes are no longer kept, everything is listed again, deletions included", async () => {
  const { store, fail, recover } = fragile(createMemoryStore());
  await using mine = new TestEngine({ store, resolve: fixedDns({}) });
  const watcher = mine.watch("web");
  const gone = dataplane("gone", { inbound: [{ service: "a" }] });
  await mine.put(mesh("default"), gone, dataplane("web", { outbound: ["a"] }));
  const before = watcher.resource("endpoint", "a");
  fail(new MeshError("MM510", "no longer kept"));
  await store.delete(gone);
  const { revision } = await store.put(dataplane("web", { outbound: ["a", "b"] }));
  recover();
  await mine.engine.settled(revision);
  assert.deepEqual(watcher.names("cluster"), ["a", "b"]);
  assert.notEqual(watcher.resource("endpoint", "a")?.version, before?.version);
  assert.deepEqual([...(mine.engine.view("default")?.proxies.keys() ?? [])], ["web"]);
});

test("the first picture may be large: it is read in slices", async () => {
  const store = createMemoryStore();
  for (let index = 0; index < 3000; index++) {
    await store.put(dataplane(`p-${index}`, { inbound: [{ service: `s-${index % 50}` }], outbound: ["s-1", "s-2"] }));
  }
  const sizes = new Set<number>();
  let running = true;
  await using mine = new TestEngine({ store });
  const look = () => {
    sizes.add(mine.engine.view("default")?.proxies.size ?? 0);
    if (running) setImmediate(look);
  };
  look();
  const watcher = mine.watch("p-1");
  await mine.engine.settled(3000);
  running = false;
  assert.equal(watcher.last?.resources.endpoint.size, 2);
  const between = [...sizes].filter((size) => size > 0 && size < 3000);
  assert.ok(between.length > 0, "others had their turn while it was read");
});
