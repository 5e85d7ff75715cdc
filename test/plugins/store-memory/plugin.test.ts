import assert from "node:assert/strict";
import { test } from "node:test";
import { MeshError } from "../../../core/kernel/errors.ts";
import { silentLogger } from "../../../core/kernel/log.ts";
import { PluginHost } from "../../../core/kernel/plugin.ts";
import { Scope } from "../../../core/kernel/scope.ts";
import type { ResourceStore } from "../../../core/store/resource-store.ts";
import { memoryStorePlugin } from "../../../plugins/store-memory/plugin.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const KEY = { type: "Dataplane", mesh: "default", name: "a" };

function open(options: unknown, scope: Scope): Promise<ResourceStore> {
  const host = new PluginHost();
  host.register([memoryStorePlugin] as never);
  const context = { scope, log: silentLogger, clock: new ManualClock(1234), workDir: "/nowhere" };
  return host.create<ResourceStore>("store", "memory", context, options);
}

test("the store takes its times from the clock and closes with its scope", async () => {
  const scope = new Scope("test");
  const store = await open({}, scope);
  assert.equal((await store.put({ ...KEY, labels: {}, spec: {} })).creationTime, 1234);
  await scope.close();
  await assert.rejects(store.get(KEY), (error) => error instanceof MeshError && error.code === "MM503");
});

test("options it does not have are refused by name", async (t) => {
  const scope = new Scope("test");
  t.after(() => scope.close());
  await assert.rejects(open({ path: "x" }, scope), (error) => {
    assert.ok(error instanceof MeshError && error.code === "MM801", String(error));
    assert.deepEqual(error.violations, [{ field: "", message: 'there is no option "path"' }]);
    return true;
  });
});
