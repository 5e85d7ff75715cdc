import assert from "node:assert/strict";
import { test } from "node:test";
import { XDS_TYPES } from "../../../core/envoy/encoded-resource.ts";
import { dataplane, presence } from "../view/fixtures.ts";
import { TestEngine, type Watcher } from "./fixtures.ts";

const backend = dataplane("backend-1", { address: "192.168.0.9", inbound: [{ service: "backend" }] });
const A = { mesh: "default", name: "a" };

function acknowledgeAll(watcher: Watcher): void {
  // Envoy asks for no secrets and, without HTTP, for no routes.
  for (const type of XDS_TYPES) if (watcher.names(type).length > 0) watcher.acknowledge(watcher.last?.revision, type);
}

async function openMesh() {
  const mine = new TestEngine();
  await mine.put(
    backend,
    presence("backend-1", "healthy"),
    dataplane("a", { outbound: ["backend"] }),
    dataplane("b", { outbound: ["backend"] }),
    dataplane("bystander", { outbound: ["other"] }),
  );
  const watchers = { a: mine.watch("a"), b: mine.watch("b"), bystander: mine.watch("bystander") };
  await mine.engine.settled();
  return { mine, ...watchers };
}

test("a proxy is behind from what it was given until it acknowledged all of it", async () => {
  const { mine, a } = await openMesh();
  await using _ = mine;
  const first = a.last?.revision;
  const given = mine.engine.freshness(A);
  assert.deepEqual([given?.wanted, given?.acknowledged, given?.behind], [first, undefined, 1]);
  a.acknowledge(first, "cluster");
  assert.equal(mine.engine.freshness(A)?.behind, 1, "one type is not all");
  acknowledgeAll(a);
  const current = mine.engine.freshness(A);
  assert.deepEqual([current?.acknowledged, current?.behind], [first, 0]);
  assert.ok((current?.since ?? 0) >= (given?.since ?? 0));
  const second = await mine.put(presence("backend-1", "withdrawn"));
  const third = await mine.put(presence("backend-1", "healthy"));
  const behind = mine.engine.freshness(A);
  assert.deepEqual([behind?.wanted, behind?.acknowledged, behind?.behind], [third, first, 2]);
  a.acknowledge(second);
  assert.equal(mine.engine.freshness(A)?.behind, 2, "what it acknowledged was older");
  a.acknowledge(third);
  assert.deepEqual([mine.engine.freshness(A)?.acknowledged, mine.engine.freshness(A)?.behind], [third, 0]);
});

test("what changes nothing for a proxy leaves it current; without a stream nothing is known", async () => {
  const { mine, a } = await openMesh();
  await using _ = mine;
  acknowledgeAll(a);
  await mine.put(dataplane("other-1", { inbound: [{ service: "other" }] }));
  assert.equal(mine.engine.freshness(A)?.behind, 0);
  assert.equal(mine.engine.freshness({ ...A, name: "backend-1" }), undefined);
  a[Symbol.dispose]();
  assert.equal(mine.engine.freshness(A), undefined);
});

test("the outcome of a change counts the proxies it altered, and names who has not acknowledged", async () => {
  const { mine, a, b, bystander } = await openMesh();
  await using _ = mine;
  for (const each of [a, b, bystander]) acknowledgeAll(each);
  const { revision } = await mine.store.put(presence("backend-1", "withdrawn"));
  const waiting = mine.engine.applied("default", { from: revision, to: revision }, new AbortController().signal);
  await mine.engine.settled(revision);
  a.acknowledge();
  b.acknowledge();
  const { took, ...outcome } = await waiting;
  assert.deepEqual(outcome, { concerned: 2, acknowledged: 2, missing: [] });
  assert.ok(took >= 0);
  const next = await mine.put(presence("backend-1", "healthy"));
  a.acknowledge();
  const impatient = await mine.engine.applied("default", { from: next, to: next }, AbortSignal.timeout(20));
  assert.deepEqual([impatient.concerned, impatient.acknowledged, impatient.missing], [2, 1, ["b"]]);
  const nobody = await mine.engine.applied("default", { from: next + 1, to: next }, new AbortController().signal);
  assert.equal(nobody.concerned, 0);
});
