import assert from "node:assert/strict";
import { test } from "node:test";
import { DataplaneWatch } from "../../../core/dp-server/health/dataplane-watch.ts";
import { MeshError } from "../../../core/kernel/errors.ts";
import { createLogger } from "../../../core/kernel/log.ts";
import { Scope } from "../../../core/kernel/scope.ts";
import type { ResourceStore } from "../../../core/store/resource-store.ts";
import { createMemoryStore } from "../../../plugins/store-memory/memory-store.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { dataplaneDraft } from "./server-bench.ts";

const redis = { mesh: "default", name: "redis" };

async function open(wrap: (store: ResourceStore) => ResourceStore = (store) => store) {
  const clock = new ManualClock();
  const store = createMemoryStore();
  await store.put({ type: "Mesh", mesh: "", name: "default", labels: {}, spec: {} });
  const scope = new Scope("test");
  const lines: string[] = [];
  const log = createLogger({ write: (_level, _event, text) => void lines.push(text) });
  const watch = new DataplaneWatch({ store: wrap(store), clock, log, scope });
  const seen: string[] = [];
  const follow = (name: string) =>
    watch.follow({ mesh: "default", name }, (dataplane) => void seen.push(`${name} ${dataplane?.version ?? "gone"}`));
  return { clock, store, scope, lines, seen, follow };
}

test("tells what is there, each change and the deletion, to who follows that Dataplane, until they stop", async () => {
  const { clock, store, scope, seen, follow } = await open();
  await store.put(dataplaneDraft("redis"));
  const first = follow("redis");
  follow("web");
  await clock.settle();
  assert.deepEqual(seen.splice(0), ["redis 1"]);
  await store.put(dataplaneDraft("redis"));
  await store.put(dataplaneDraft("web"));
  await store.put(dataplaneDraft("other"));
  await clock.settle();
  assert.deepEqual(seen.splice(0), ["redis 2", "web 1"]);
  first[Symbol.dispose]();
  await store.put(dataplaneDraft("redis"));
  await store.delete({ type: "Dataplane", mesh: "default", name: "web" });
  await clock.settle();
  assert.deepEqual(seen, ["web gone"]);
  await scope.close();
  assert.equal(clock.pending, 0);
});

test("a store that cannot be watched is tried again, said once, and what changed meanwhile is told", async () => {
  let down = false;
  const broken = new MeshError("MM503", "the store is away");
  const { clock, store, scope, lines, seen, follow } = await open(
    (whole) =>
      new Proxy(whole, {
        get(target, property) {
          const value = Reflect.get(target, property) as (...given: unknown[]) => unknown;
          if (property !== "watch") return value.bind(target);
          return (...given: unknown[]) => {
            if (down) throw broken;
            return value.apply(target, given);
          };
        },
      }),
  );
  down = true;
  await store.put(dataplaneDraft(redis.name));
  follow(redis.name);
  await clock.settle();
  await clock.advance(1000);
  await store.put(dataplaneDraft(redis.name));
  down = false;
  await clock.advance(1000);
  await store.put(dataplaneDraft(redis.name));
  await clock.settle();
  assert.deepEqual(seen, ["redis 1", "redis 1", "redis 2", "redis 3"]);
  assert.deepEqual(lines, ["probes cannot follow the store, tried again: the store is away"]);
  await scope.close();
});
