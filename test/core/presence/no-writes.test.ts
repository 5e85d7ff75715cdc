import assert from "node:assert/strict";
import { test } from "node:test";
import type { MeshError } from "../../../core/kernel/errors.ts";
import { FragileWorld } from "./fragile-world.ts";
import { type ControlPlane, definitionOf, Join, MINUTE, SECOND, Stream } from "./world.ts";

/*
 * The store can be read but takes no writes: the database of several control planes is away, or the disk is full. Who
 * is known comes back all the same.
 */

const redis = (incarnation: string, peer?: string) =>
  new Stream("redis-1", incarnation, definitionOf("redis-1", 9000), peer);

/** Another proxy, at the address of the first. */
const atTheSameAddress = (incarnation: string) => new Stream("redis-2", incarnation, definitionOf("redis-2", 9000));

/** It was there and is lost, so that it is known. */
async function lostAtTheSameAddress(world: FragileWorld, cp: ControlPlane): Promise<void> {
  const before = new Join(cp, atTheSameAddress("o1"));
  await before.settled;
  before.close();
  await world.clock.settle();
}

test("a proxy that is known reconnects at once, and its place is written down when the store is back", async () => {
  const world = await new FragileWorld().meshes();
  const cp = await world.controlPlane();
  const first = new Join(cp, redis("i1"));
  await first.settled;
  const before = await world.record("redis-1");
  world.readOnly = true;
  first.close();
  const second = new Join(cp, redis("i1"));
  await second.settled;
  assert.equal(second.state, "active");
  await world.clock.advance(MINUTE);
  assert.equal(second.state, "active");
  assert.equal((await world.record("redis-1"))?.epoch, before?.epoch);
  world.readOnly = false;
  await world.clock.advance(3 * SECOND);
  const after = await world.record("redis-1");
  assert.deepEqual([after?.state, after?.open, after?.epoch], ["connected", true, (before?.epoch ?? 0) + 1]);
  assert.equal(second.state, "active");
  // It has its place like any other from now on.
  second.close();
  await world.clock.advance(SECOND);
  assert.equal((await world.record("redis-1"))?.state, "lost");
  await cp.stop();
});

test("a restarted sidecar gets its place too, the older one loses it", async () => {
  const world = await new FragileWorld().meshes();
  const cp = await world.controlPlane();
  const older = new Join(cp, redis("i1"));
  await older.settled;
  world.readOnly = true;
  const newer = new Join(cp, redis("i2"));
  await newer.settled;
  assert.deepEqual([older.state, newer.state], ["parked", "active"]);
  world.readOnly = false;
  await world.clock.advance(3 * SECOND);
  assert.deepEqual([older.state, newer.state], ["parked", "active"]);
  assert.equal((await world.record("redis-1"))?.incarnation, "i2");
  await cp.stop();
});

test("what would have to be written for others is refused: a new Dataplane, a changed one, a taken address", async () => {
  const world = await new FragileWorld().meshes();
  const cp = await world.controlPlane();
  await new Join(cp, redis("i1")).settled;
  const gone = new Join(cp, new Stream("redis-2", "j1", definitionOf("redis-2", 9001)));
  await gone.settled;
  gone.close();
  await world.clock.advance(SECOND);
  world.readOnly = true;
  const refused = [
    new Join(cp, new Stream("new-1", "k1", definitionOf("new-1", 9002))),
    new Join(cp, new Stream("redis-2", "j2", definitionOf("redis-2", 9003))),
    new Join(cp, new Stream("redis-2", "j2", definitionOf("redis-2", 9000))),
  ];
  for (const join of refused) {
    await join.settled;
    assert.equal((join.error as MeshError | undefined)?.code, "MM503");
  }
  assert.equal(await world.dataplane("new-1"), undefined);
  await cp.stop();
});

test("a sidecar that has left stays out", async () => {
  const world = await new FragileWorld().meshes();
  const cp = await world.controlPlane();
  const join = new Join(cp, redis("i1"));
  await join.settled;
  await cp.presence.leave(join.stream.proxy, "i1");
  world.readOnly = true;
  await assert.rejects(cp.presence.left(join.stream.proxy, "i1"));
  world.readOnly = false;
  await cp.presence.left(join.stream.proxy, "i1");
  world.readOnly = true;
  const again = new Join(cp, redis("i1"));
  await again.settled;
  assert.equal(again.state, "refused");
  await cp.stop();
});

test("a proxy that moves to another control plane meanwhile is one proxy afterwards", async () => {
  const world = await new FragileWorld().meshes();
  const [one, two] = [await world.controlPlane(), await world.controlPlane()];
  const first = new Join(one, redis("i1"));
  await first.settled;
  world.readOnly = true;
  first.close();
  const second = new Join(two, redis("i1"));
  await second.settled;
  assert.equal(second.state, "active");
  await world.clock.advance(30 * SECOND);
  world.readOnly = false;
  await world.clock.advance(5 * SECOND);
  const record = await world.record("redis-1");
  assert.deepEqual([record?.state, record?.instance, second.state], ["connected", two.instance, "active"]);
  await world.clock.advance(5 * MINUTE);
  assert.equal((await world.record("redis-1"))?.state, "connected");
  await Promise.all([one.stop(), two.stop()]);
});

test("of two sidecars of one name at two control planes one has the place in the end, the other waits", async () => {
  const world = await new FragileWorld().meshes();
  const [one, two] = [await world.controlPlane(), await world.controlPlane()];
  const known = new Join(one, redis("i0"));
  await known.settled;
  known.close();
  await world.clock.advance(SECOND);
  world.readOnly = true;
  const joins = [new Join(one, redis("i1")), new Join(two, redis("i2", "10.0.0.2:1"))];
  for (const join of joins) {
    await join.settled;
    assert.equal(join.state, "active", "neither can know of the other");
  }
  world.readOnly = false;
  await world.clock.advance(5 * SECOND);
  assert.deepEqual(joins.map(({ state }) => state).sort(), ["active", "parked"]);
  const holder = joins.find(({ state }) => state === "active");
  assert.equal((await world.record("redis-1"))?.incarnation, holder?.stream.incarnation);
  await Promise.all([one.stop(), two.stop()]);
});

test("control planes that could not write their signs of life do not count as gone afterwards", async () => {
  const world = await new FragileWorld().meshes();
  const one = await world.controlPlane();
  // Its signs of life come at other times.
  await world.clock.advance(500);
  const two = await world.controlPlane();
  const joins = [new Join(one, redis("i1")), new Join(two, new Stream("web-1", "w1", definitionOf("web-1", 9001)))];
  for (const join of joins) await join.settled;
  world.readOnly = true;
  await world.clock.advance(10 * MINUTE);
  world.readOnly = false;
  for (let steps = 0; steps < 2000; steps++) {
    await world.clock.advance(100);
    for (const name of ["redis-1", "web-1"]) assert.equal((await world.record(name))?.state, "connected");
  }
  await two.crash();
  await world.clock.advance(3 * MINUTE);
  assert.equal((await world.record("web-1"))?.state, "lost", "one that is really gone is found as ever");
  assert.equal((await world.record("redis-1"))?.state, "connected");
  await one.stop();
});

test("the end of a stream whose place was never written down says nothing about the holder elsewhere", async () => {
  const world = await new FragileWorld().meshes();
  const [one, two] = [await world.controlPlane(), await world.controlPlane()];
  const holder = new Join(one, redis("i1"));
  await holder.settled;
  world.readOnly = true;
  const visitor = new Join(two, redis("i1"));
  await visitor.settled;
  assert.equal(visitor.state, "active");
  visitor.close();
  world.readOnly = false;
  await world.clock.advance(5 * SECOND);
  const record = await world.record("redis-1");
  assert.deepEqual([record?.state, record?.instance, holder.state], ["connected", one.instance, "active"]);
  await one.stop();
  await two.stop();
});

test("a sidecar that takes the place of one that was leaving keeps it when that one's leave is written down", async () => {
  const world = await new FragileWorld().meshes();
  const cp = await world.controlPlane();
  const leaving = new Join(cp, redis("i1"));
  await leaving.settled;
  await cp.presence.leave(leaving.stream.proxy, "i1");
  world.readOnly = true;
  leaving.close();
  const next = new Join(cp, redis("i2"));
  await next.settled;
  assert.equal(next.state, "active");
  world.readOnly = false;
  await world.clock.advance(5 * SECOND);
  assert.equal(next.state, "active");
  const record = await world.record("redis-1");
  assert.deepEqual([record?.state, record?.incarnation], ["connected", "i2"]);
  assert.ok(await world.dataplane("redis-1"));
  await cp.stop();
});

test("a sidecar that took a place and is refused when the store is back leaves no record that says it is held", async () => {
  const world = await new FragileWorld().meshes();
  const cp = await world.controlPlane();
  await lostAtTheSameAddress(world, cp);
  const leaving = new Join(cp, redis("i1"));
  await leaving.settled;
  await cp.presence.leave(leaving.stream.proxy, "i1");
  world.readOnly = true;
  // The address of one that leaves is free.
  const rival = new Join(cp, atTheSameAddress("o2"));
  await rival.settled;
  const next = new Join(cp, redis("i2"));
  await next.settled;
  assert.deepEqual([rival.state, next.state], ["active", "active"]);
  world.readOnly = false;
  await world.clock.advance(5 * SECOND);
  assert.equal(rival.state, "active");
  assert.match(next.stream.endedBecause ?? "", /belongs to Dataplane "redis-2" already/);
  assert.equal(await world.record("redis-1"), undefined, "it has left, and nobody has its place");
  await cp.stop();
});

test("a place that was taken by one who is refused when the store is back is offered to whoever waits", async () => {
  const world = await new FragileWorld().meshes();
  await world.store.put(definitionOf("redis-1", 9000));
  const cp = await world.controlPlane();
  await lostAtTheSameAddress(world, cp);
  const waiting = new Join(cp, redis("i1"));
  await waiting.settled;
  await new Join(cp, redis("i2")).settled;
  await cp.presence.left(waiting.stream.proxy, "i2");
  world.readOnly = true;
  const rival = new Join(cp, atTheSameAddress("o2"));
  await rival.settled;
  const next = new Join(cp, redis("i3"));
  await next.settled;
  assert.deepEqual([waiting.state, rival.state, next.state], ["parked", "active", "active"]);
  world.readOnly = false;
  await world.clock.advance(5 * SECOND);
  assert.match(next.stream.endedBecause ?? "", /belongs to Dataplane "redis-2" already/);
  assert.match(waiting.stream.endedBecause ?? "it was forgotten", /belongs to Dataplane "redis-2" already/);
  await cp.stop();
});
