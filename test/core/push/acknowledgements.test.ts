import assert from "node:assert/strict";
import { test } from "node:test";
import type { AcknowledgedResult } from "../../../core/push/acknowledgements.ts";
import { dataplane, presence } from "../view/fixtures.ts";
import { TestEngine } from "./fixtures.ts";

const backend = dataplane("backend-1", { address: "192.168.0.9", inbound: [{ service: "backend" }] });
const EXCEPT = { mesh: "default", name: "backend-1" };

/** Two consumers and a bystander that hold everything so far. */
async function openMesh() {
  const mine = new TestEngine();
  await mine.put(
    backend,
    presence("backend-1", "healthy"),
    dataplane("a", { outbound: ["backend"] }),
    dataplane("b", { outbound: ["backend", "other"] }),
    dataplane("bystander", { outbound: ["other"] }),
  );
  const watchers = { a: mine.watch("a"), b: mine.watch("b"), bystander: mine.watch("bystander") };
  await mine.engine.settled();
  for (const watcher of Object.values(watchers)) watcher.acknowledge();
  const controller = new AbortController();
  const wait = (revision: number, services = ["backend"]) =>
    track(mine.engine.waitFor("default", services, revision, { except: EXCEPT, signal: controller.signal }));
  return { mine, ...watchers, wait, abort: () => controller.abort() };
}

/** Shows whether a promise is done. */
function track(promise: Promise<AcknowledgedResult>) {
  const seen = { result: undefined as AcknowledgedResult | undefined, promise };
  void promise.then((result) => {
    seen.result = result;
  });
  return seen;
}

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

test("waits for every consumer and nobody else", async () => {
  const { mine, a, b, wait } = await openMesh();
  await using _ = mine;
  const revision = await mine.put(presence("backend-1", "withdrawn"));
  const waiting = wait(revision);
  a.acknowledge();
  await turn();
  assert.equal(waiting.result, undefined);
  b.acknowledge();
  assert.deepEqual(await waiting.promise, { total: 2, missing: [] });
});

test("may begin before the change was read from the store", async () => {
  const { mine, a, b, wait } = await openMesh();
  await using _ = mine;
  const { revision } = await mine.store.put(presence("backend-1", "withdrawn"));
  const waiting = wait(revision);
  for (const watcher of [a, b]) watcher.acknowledge();
  await turn();
  assert.equal(waiting.result, undefined, "what they acknowledged was older");
  await mine.engine.settled(revision);
  for (const watcher of [a, b]) watcher.acknowledge();
  assert.deepEqual(await waiting.promise, { total: 2, missing: [] });
});

test("an acknowledgement that came before the question counts", async () => {
  const { mine, a, b, wait } = await openMesh();
  await using _ = mine;
  const revision = await mine.put(presence("backend-1", "withdrawn"));
  for (const watcher of [a, b]) watcher.acknowledge();
  assert.deepEqual(await wait(revision).promise, { total: 2, missing: [] });
});

test("an acknowledgement of something newer counts, one of something older does not", async () => {
  const { mine, a, b, wait } = await openMesh();
  await using _ = mine;
  const revision = await mine.put(presence("backend-1", "withdrawn"));
  const newer = await mine.put(dataplane("other-1", { inbound: [{ service: "backend" }] }));
  const waiting = wait(revision);
  a.acknowledge(newer);
  b.acknowledge(revision - 1);
  await turn();
  assert.equal(waiting.result, undefined);
  b.acknowledge(newer);
  assert.deepEqual(await waiting.promise, { total: 2, missing: [] });
});

test("a revision that changed nothing for a consumer needs no new acknowledgement", async () => {
  const { mine, wait } = await openMesh();
  await using _ = mine;
  const revision = await mine.put(dataplane("unrelated"));
  assert.deepEqual(await wait(revision).promise, { total: 2, missing: [] });
});

test("without consumers there is nothing to wait for", async () => {
  const { mine, wait } = await openMesh();
  await using _ = mine;
  const revision = await mine.put(presence("backend-1", "withdrawn"));
  assert.deepEqual(await wait(revision, ["nobody"]).promise, { total: 0, missing: [] });
});

test("a consumer of several of the services counts once", async () => {
  const { mine, a, b, bystander, wait } = await openMesh();
  await using _ = mine;
  const revision = await mine.put(presence("backend-1", "withdrawn"));
  const waiting = wait(revision, ["backend", "other"]);
  for (const watcher of [a, b, bystander]) watcher.acknowledge();
  assert.deepEqual(await waiting.promise, { total: 3, missing: [] });
});

test("the signal ends the wait and names who is missing", async () => {
  const { mine, b, wait, abort } = await openMesh();
  await using _ = mine;
  const revision = await mine.put(presence("backend-1", "withdrawn"));
  const waiting = wait(revision);
  b.acknowledge();
  abort();
  assert.deepEqual(await waiting.promise, { total: 2, missing: [{ mesh: "default", name: "a" }] });
  assert.deepEqual((await wait(revision).promise).missing, [{ mesh: "default", name: "a" }], "aborted before");
});

test("a consumer that goes away is missing, and nobody waits for it", async () => {
  const { mine, a, b, wait } = await openMesh();
  await using _ = mine;
  const revision = await mine.put(presence("backend-1", "withdrawn"));
  const waiting = wait(revision);
  a[Symbol.dispose]();
  await turn();
  assert.equal(waiting.result, undefined);
  b.acknowledge();
  assert.deepEqual(await waiting.promise, { total: 2, missing: [{ mesh: "default", name: "a" }] });
});

test("what a stream acknowledged no longer counts when it ends", async () => {
  const { mine, a, b, wait, abort } = await openMesh();
  await using _ = mine;
  using _second = mine.watch("a");
  const revision = await mine.put(presence("backend-1", "withdrawn"));
  for (const watcher of [a, b]) watcher.acknowledge();
  a[Symbol.dispose]();
  const waiting = wait(revision);
  await turn();
  assert.equal(waiting.result, undefined);
  abort();
  assert.deepEqual((await waiting.promise).missing, [{ mesh: "default", name: "a" }]);
});

test("a consumer that comes while the change is on its way is waited for", async () => {
  const { mine, a, b, wait } = await openMesh();
  await using _ = mine;
  await mine.put(dataplane("late", { outbound: ["backend"] }));
  const { revision } = await mine.store.put(presence("backend-1", "withdrawn"));
  const waiting = wait(revision);
  const late = mine.watch("late");
  await mine.engine.settled(revision);
  for (const watcher of [a, b]) watcher.acknowledge();
  await turn();
  assert.equal(waiting.result, undefined);
  late.acknowledge();
  assert.deepEqual(await waiting.promise, { total: 3, missing: [] });
});

test("a consumer that loses its last outbound meanwhile acknowledges no endpoints, but that its clusters are gone", async () => {
  const { mine, a, b, wait } = await openMesh();
  await using _ = mine;
  await mine.store.put(dataplane("a"));
  const { revision } = await mine.store.put(presence("backend-1", "withdrawn"));
  const waiting = wait(revision);
  await mine.engine.settled(revision);
  assert.deepEqual(a.names("endpoint"), []);
  b.acknowledge();
  await turn();
  assert.equal(waiting.result, undefined, "it still has the cluster");
  a.acknowledge(undefined, "cluster");
  await turn();
  assert.deepEqual(waiting.result, { total: 2, missing: [] });
});

test("acknowledgements of other types do not count, and all together measure convergence", async () => {
  const { mine, a, b, wait } = await openMesh();
  await using _ = mine;
  const { count } = mine.engine.stats().convergence;
  const revision = await mine.put(presence("backend-1", "withdrawn"));
  const waiting = wait(revision);
  for (const watcher of [a, b]) watcher.acknowledge(revision, "cluster");
  await turn();
  assert.equal(waiting.result, undefined);
  for (const watcher of [a, b]) watcher.acknowledge(revision);
  await waiting.promise;
  const { convergence } = mine.engine.stats();
  assert.equal(convergence.count, count + 2);
  assert.equal(convergence.buckets.at(-1)?.count, convergence.count);
});

test("convergence counts a proxy that lost its last outbound, though it confirms no endpoints any more", async () => {
  const { mine, a } = await openMesh();
  await using _ = mine;
  const { count } = mine.engine.stats().convergence;
  const revision = await mine.put(dataplane("a"));
  assert.deepEqual(a.names("endpoint"), []);
  assert.equal(mine.engine.stats().convergence.count, count);
  a.acknowledge(revision, "cluster");
  assert.equal(mine.engine.stats().convergence.count, count + 1);
});
