import assert from "node:assert/strict";
import { test } from "node:test";
import { createPolicy } from "../../../core/policy/policy.ts";
import { meshTimeout } from "../../../plugins/policy-mesh-timeout/mesh-timeout.ts";
import { rules, target, timeout, to } from "../policy/fixtures.ts";
import { dataplane, presence } from "../view/fixtures.ts";
import { bytesOf, TestEngine } from "./fixtures.ts";

const backend = dataplane("backend-1", { address: "10.0.0.9", inbound: [{ service: "backend", protocol: "http" }] });
const web = (name: string, labels = {}) => dataplane(name, { labels, outbound: ["backend"] });

test("a policy is heard by those whom it selects, and only what it changes is another resource", async () => {
  await using mine = new TestEngine();
  await mine.put(backend, presence("backend-1", "healthy"), web("web-1"), web("web-2"));
  const [one, two] = [mine.watch("web-1"), mine.watch("web-2")];
  await mine.engine.settled();
  const before = one.last;
  const spec = { ...target("Dataplane", { name: "web-1" }), ...to({ http: { requestTimeout: "1s" } }) };
  const policy = timeout("t", spec);
  await mine.put(policy);
  assert.deepEqual([one.snapshots.length, two.snapshots.length], [2, 1]);
  assert.notEqual(one.last?.resources.listener, before?.resources.listener);
  for (const type of ["cluster", "endpoint"] as const) assert.equal(one.last?.resources[type], before?.resources[type]);
  await mine.put({ ...policy });
  assert.equal(one.snapshots.length, 2, "the same policy again is nothing new");
  await mine.put({ ...policy, spec: timeout("t", { ...spec, ...target("Dataplane", { name: "web-2" }) }).spec });
  assert.deepEqual([one.snapshots.length, two.snapshots.length], [3, 2]);
  assert.deepEqual(bytesOf(one.last), bytesOf(before), "whom it no longer selects is as before");
  await mine.delete(policy);
  assert.deepEqual([one.snapshots.length, two.snapshots.length], [3, 3]);
});

test("a proxy that gets a label is given what policies say about that label", async () => {
  await using mine = new TestEngine();
  await mine.put(
    timeout("t", { ...target("Dataplane", { labels: { team: "x" } }), ...to({ connectionTimeout: "1s" }) }),
    web("web-1"),
  );
  const watcher = mine.watch("web-1");
  await mine.engine.settled();
  const clusters = () => [...(watcher.last?.resources.cluster ?? [])];
  const before = clusters();
  await mine.put(web("web-1", { team: "x" }));
  assert.notDeepEqual(clusters(), before);
  await mine.put(web("web-1"));
  assert.deepEqual(clusters(), before);
});

test("proxies share what equal policies give them, whatever the policies are called", async () => {
  await using mine = new TestEngine();
  const own = (name: string) =>
    timeout(`of-${name}`, { ...target("Dataplane", { name }), ...to({ idleTimeout: "9s" }) });
  await mine.put(backend, web("web-1"), web("web-2"), own("web-1"), own("web-2"));
  const [one, two] = [mine.watch("web-1"), mine.watch("web-2")];
  await mine.engine.settled();
  assert.equal(one.last?.resources.listener, two.last?.resources.listener);
  assert.equal(one.last?.resources.cluster, two.last?.resources.cluster);
});

test("a change of endpoints asks no policy anything", async () => {
  let asked = 0;
  const counting = createPolicy({
    ...meshTimeout,
    contribute: (...args) => {
      asked++;
      return meshTimeout.contribute(...args);
    },
  });
  await using mine = new TestEngine({ policies: [counting] });
  await mine.put(backend, presence("backend-1", "healthy"), web("web-1"), timeout("t", to({ idleTimeout: "9s" })));
  const watcher = mine.watch("web-1");
  await mine.engine.settled();
  assert.ok(asked > 0);
  asked = 0;
  await mine.put(presence("backend-1", "degraded"));
  assert.equal(watcher.snapshots.length, 2);
  assert.equal(asked, 0);
});

test("a policy that throws leaves its proxies as they are, and harms no other", async () => {
  const throwing = createPolicy({
    ...meshTimeout,
    contribute: () => {
      throw new Error("a mistake in a plugin");
    },
  });
  await using mine = new TestEngine({ policies: [throwing] });
  await mine.put(backend, web("web-1"), web("web-2"));
  const [one, two] = [mine.watch("web-1"), mine.watch("web-2")];
  await mine.engine.settled();
  await mine.put(timeout("t", { ...target("Dataplane", { name: "web-1" }), ...to({ idleTimeout: "9s" }) }));
  assert.equal(one.snapshots.length, 1);
  await mine.put(presence("backend-1", "healthy"));
  assert.deepEqual([one.snapshots.length, two.snapshots.length], [2, 2], "endpoints stay up to date all the same");
});

test("the policies of a mesh are those of no other", async () => {
  await using mine = new TestEngine();
  await mine.put(backend, web("web-1"));
  const watcher = mine.watch("web-1");
  await mine.engine.settled();
  await mine.put({ ...timeout("t", rules({ idleTimeout: "1s" })), mesh: "other" });
  assert.equal(watcher.snapshots.length, 1);
});
