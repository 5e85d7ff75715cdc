import assert from "node:assert/strict";
import { test } from "node:test";
import { definitionOf, HOUR, Join, MINUTE, SECOND, Stream, World } from "./world.ts";

/*
 * What users of Kuma have reported about proxies that come and go, one test each: it cannot happen here. The same with real
 * sidecars, where that adds something: test/e2e/leave.test.ts and test/e2e/lost.test.ts.
 */

const open = async (...args: ConstructorParameters<typeof Join>): Promise<Join> => {
  const join = new Join(...args);
  await join.settled;
  return join;
};

test("kuma#1738: a control plane that stops unregisters a proxy that has just registered at the next one", async () => {
  const world = await new World().meshes();
  const [one, two] = [await world.controlPlane(), await world.controlPlane()];
  const first = await open(one, new Stream("web-1", "a", definitionOf("web-1", 9000)));
  const second = await open(two, new Stream("web-1", "a", definitionOf("web-1", 9000)));
  first.close("the control plane is stopping");
  await one.stop();
  await world.clock.advance(HOUR);
  assert.equal(second.state, "active");
  assert.ok(await world.dataplane("web-1"));
  const record = await world.record("web-1");
  assert.deepEqual([record?.state, record?.instance], ["connected", two.instance]);
  await two.stop();
});

test("kuma#2320: a control plane that dies without a word leaves dead proxies Online for ever", async () => {
  const world = await new World().meshes();
  const [one, two] = [await world.controlPlane(), await world.controlPlane()];
  await open(one, new Stream("moves", "a", definitionOf("moves", 9000)));
  await open(one, new Stream("dies-too", "a", definitionOf("dies-too", 9001)));
  await one.crash();
  // The one dies at its next control plane, the other together with its first.
  const moved = await open(two, new Stream("moves", "a", definitionOf("moves", 9000)));
  moved.close();
  await world.clock.advance(SECOND);
  assert.equal((await world.record("moves"))?.state, "lost");
  await two.crash();
  const three = await world.controlPlane();
  await world.clock.advance(2 * MINUTE);
  assert.equal((await world.record("dies-too"))?.state, "lost");
  await world.clock.advance(5 * MINUTE);
  for (const name of ["moves", "dies-too"]) assert.equal((await world.record(name))?.state, "offline", name);
  assert.deepEqual(new Set(world.absences.map((each) => each.name)), new Set(["moves", "dies-too"]));
  await three.stop();
});

test("kuma#2346: Offline meant a dead application as well as an absent sidecar, and the cleanup age removed neither as expected", async () => {
  const world = await new World().meshes();
  const cp = await world.controlPlane({ cleanupAgeMs: 15 * MINUTE });
  const join = await open(cp, new Stream("web-1", "a", definitionOf("web-1", 9000, { probed: true })));
  await cp.presence.report(join.stream.proxy, "a", { notReady: [9000], probed: [9000], draining: false });
  await world.clock.advance(HOUR);
  const record = await world.record("web-1");
  assert.deepEqual(
    [record?.state, record?.notReady],
    ["connected", [9000]],
    "its sidecar is there: two facts, two fields",
  );
  join.close();
  await world.clock.advance(15 * MINUTE - SECOND);
  assert.equal((await world.record("web-1"))?.state, "offline");
  await world.clock.advance(2 * SECOND);
  assert.equal(await world.dataplane("web-1"), undefined, "an absent one goes at the cleanup age");
  await cp.stop();
});

test("kuma#6653: a sidecar whose Dataplane is gone from the store runs on, and never registers again", async () => {
  const world = await new World().meshes();
  const cp = await world.controlPlane();
  const first = await open(cp, new Stream("web-1", "a", definitionOf("web-1", 9000)));
  await world.store.delete({ type: "Dataplane", mesh: "default", name: "web-1" });
  await world.clock.settle();
  assert.match(first.stream.endedBecause ?? "", /was deleted; the sidecar has to join again/);
  // As Envoy does.
  const again = await open(cp, new Stream("web-1", "a", definitionOf("web-1", 9000)));
  assert.equal(again.state, "active");
  assert.equal((await world.record("web-1"))?.endpoints, "healthy");
  await cp.stop();
});

test("kuma#6654: a sidecar and its control plane end at the same time, and the Dataplane is never deleted", async () => {
  const world = await new World().meshes();
  const first = await world.controlPlane();
  const join = await open(first, new Stream("web-1", "a", definitionOf("web-1", 9000)));
  await first.crash();
  join.close();
  const second = await world.controlPlane();
  await world.clock.advance(5 * MINUTE + SECOND);
  assert.equal((await world.record("web-1"))?.state, "offline");
  await world.clock.advance(72 * HOUR);
  assert.equal(await world.dataplane("web-1"), undefined);
  assert.equal(await world.record("web-1"), undefined);
  await second.stop();
});

test("kuma#13398: after a restart of the control plane its proxies stay offline", async () => {
  const world = await new World().meshes();
  const first = await world.controlPlane();
  await open(first, new Stream("web-1", "a", definitionOf("web-1", 9000)));
  await first.crash();
  await world.clock.advance(10 * MINUTE);
  const second = await world.controlPlane();
  const back = await open(second, new Stream("web-1", "a", definitionOf("web-1", 9000)));
  await world.clock.advance(HOUR);
  assert.equal(back.state, "active");
  const record = await world.record("web-1");
  assert.deepEqual([record?.state, record?.endpoints], ["connected", "healthy"]);
  await second.stop();
});

test("kuma#13403: what follows a graceful end was done with the context of the stream that had ended, so the Dataplane stayed", async () => {
  const world = await new World().meshes();
  const cp = await world.controlPlane();
  const join = await open(cp, new Stream("web-1", "a", definitionOf("web-1", 9000)));
  const leaving = cp.presence.leave(join.stream.proxy, "a");
  join.stream.abort();
  await leaving;
  await world.clock.advance(SECOND);
  assert.equal(await world.dataplane("web-1"), undefined);
  assert.equal(await world.record("web-1"), undefined);
  await cp.stop();
});

test("kuma#16454: a reconnect is refused while the old stream still counts, or the late end of the old one ends the new", async () => {
  const world = await new World().meshes();
  const cp = await world.controlPlane();
  // Our sidecars name their incarnation; of stock ones each stream is its own.
  for (const [name, port, old, young] of [
    ["ours", 9000, "a", "a"],
    ["stock", 9001, "stream-old", "stream-young"],
  ] as const) {
    const half = await open(cp, new Stream(name, old, definitionOf(name, port)));
    const back = await open(cp, new Stream(name, young, definitionOf(name, port)));
    assert.equal(back.state, "active", `${name}: not refused`);
    assert.notEqual(half.state, "active");
    half.close("it timed out at last");
    await world.clock.advance(MINUTE);
    assert.equal(back.state, "active", `${name}: not ended by the late end`);
    assert.equal((await world.record(name))?.state, "connected");
  }
  assert.deepEqual(world.said("lost"), []);
  await cp.stop();
});
