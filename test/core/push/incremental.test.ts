import assert from "node:assert/strict";
import { test } from "node:test";
import { createMemoryStore } from "../../../plugins/store-memory/memory-store.ts";
import { bytesOf, fixedDns, TestEngine, type Watcher } from "./fixtures.ts";
import { applyRandomChange, createRandom, DNS, MESHES, PROXIES } from "./random-mesh.ts";

/** Another seed: SEED=123. More: SEQUENCES=20000. */
const SEED = Number(process.env["SEED"] ?? Date.now() % 1_000_000);
const SEQUENCES = Number(process.env["SEQUENCES"] ?? 1000);
/** Of a sequence, at the most: many short ones find more than few long ones. */
const MOST_CHANGES = 32;

/** Runs one sequence on an engine that follows it and compares with an engine that only sees the end. */
async function runSequence(seed: number): Promise<number> {
  const random = createRandom(seed);
  const store = createMemoryStore();
  const resolve = fixedDns(DNS);
  await using following = new TestEngine({ store, resolve });
  const watchers = new Map<string, Watcher>();
  const changes = 1 + random.below(MOST_CHANGES);
  for (let change = 0; change < changes; change++) {
    const [where, name] = [random.pick(MESHES), random.pick(PROXIES)];
    const key = `${where} ${name}`;
    if (random.chance(watchers.size < 2 ? 0.6 : 0.2)) {
      const watcher = watchers.get(key);
      watcher?.[Symbol.dispose]();
      if (watcher) watchers.delete(key);
      else watchers.set(key, following.watch(name, {}, where));
    }
    await applyRandomChange(store, random);
    if (random.chance(0.2)) await following.engine.settled(await store.revision());
    else if (random.chance(0.3)) await new Promise((resolve) => setImmediate(resolve));
  }
  await following.engine.settled(await store.revision());
  await using fresh = new TestEngine({ store, resolve });
  let compared = 0;
  for (const [key, watcher] of watchers) {
    const [where = "", name = ""] = key.split(" ");
    const other = fresh.watch(name, {}, where);
    await fresh.engine.settled(await store.revision());
    checkWhole(watcher);
    // A proxy whose Dataplane is gone, or has no address, keeps what it had; a new one would be given nothing.
    if (!other.last) continue;
    assert.deepEqual(bytesOf(watcher.last), bytesOf(other.last), `${key} differs`);
    compared++;
  }
  assert.deepEqual(following.engine.stats().resources.kept, keptBy(watchers.values()), "what is kept is what is used");
  return compared;
}

/** Every cluster that gets its endpoints by EDS has them, and no other has. */
function checkWhole(watcher: Watcher): void {
  assert.deepEqual(
    watcher.names("cluster").filter((name) => !name.startsWith("localhost:")),
    watcher.names("endpoint"),
  );
}

function keptBy(watchers: Iterable<Watcher>): Record<string, number> {
  const kept = { cluster: new Set(), endpoint: new Set(), secret: new Set(), listener: new Set(), route: new Set() };
  for (const { last } of watchers) {
    for (const [type, list] of Object.entries(last?.resources ?? {})) {
      for (const resource of list) kept[type as keyof typeof kept].add(resource);
    }
  }
  return Object.fromEntries(Object.entries(kept).map(([type, set]) => [type, set.size]));
}

test(`after any sequence of changes, the result equals a build from nothing (SEED=${SEED})`, async () => {
  let compared = 0;
  for (let sequence = 0; sequence < SEQUENCES; sequence++) {
    try {
      compared += await runSequence(SEED + sequence);
    } catch (error) {
      throw new Error(`SEED=${SEED + sequence} SEQUENCES=1 repeats it`, { cause: error });
    }
  }
  assert.ok(compared > SEQUENCES / 2, `only ${compared} proxies were compared`);
});
