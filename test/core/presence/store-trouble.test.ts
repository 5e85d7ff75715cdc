import assert from "node:assert/strict";
import { test } from "node:test";
import type { MeshError } from "../../../core/kernel/errors.ts";
import { FragileWorld } from "./fragile-world.ts";
import { definitionOf, HOUR, Join, MINUTE, SECOND, Stream } from "./world.ts";

const redis = (incarnation: string) => new Stream("redis-1", incarnation, definitionOf("redis-1", 9000));

test("a loss that the store cannot take is written when it can, once, with its own time", async () => {
  const world = await new FragileWorld().meshes();
  const cp = await world.controlPlane();
  const join = new Join(cp, redis("i1"));
  await join.settled;
  world.down = true;
  const lostAt = world.clock.now();
  join.close();
  await world.clock.advance(10 * SECOND);
  assert.equal(world.said("store").filter((line) => line.includes("not recorded")).length, 1);
  world.down = false;
  await world.clock.advance(2 * SECOND);
  const record = await world.record("redis-1");
  assert.deepEqual([record?.state, record?.lastSeen], ["lost", lostAt]);
  await cp.stop();
});

test("a leave that cannot be stored is refused, and works when it is repeated", async () => {
  const world = await new FragileWorld().meshes();
  const cp = await world.controlPlane();
  const join = new Join(cp, redis("i1"));
  await join.settled;
  world.down = true;
  await assert.rejects(cp.presence.leave(join.stream.proxy, "i1"), /disk is full/);
  world.down = false;
  await cp.presence.leave(join.stream.proxy, "i1");
  assert.equal((await world.record("redis-1"))?.state, "leaving");
  await cp.stop();
});

test("a sidecar that reconnects while its loss waits to be written is connected in the end", async () => {
  const world = await new FragileWorld().meshes();
  const cp = await world.controlPlane();
  const first = new Join(cp, redis("i1"));
  await first.settled;
  world.down = true;
  first.close();
  await world.clock.settle();
  const second = new Join(cp, redis("i1"));
  await second.settled;
  assert.equal((second.error as MeshError | undefined)?.code, "MM503", "a store that cannot even be read");
  await world.clock.advance(3 * SECOND);
  world.down = false;
  const third = new Join(cp, redis("i1"));
  await world.clock.advance(3 * SECOND);
  assert.equal(third.state, "active");
  assert.equal((await world.record("redis-1"))?.state, "connected");
  await cp.stop();
});

test("a store outage of hours deletes nothing too early, and deadlines are met after it", async () => {
  const world = await new FragileWorld().meshes();
  const cp = await world.controlPlane();
  const join = new Join(cp, redis("i1"));
  await join.settled;
  join.close();
  await world.clock.advance(MINUTE);
  world.down = true;
  await world.clock.advance(2 * HOUR);
  world.down = false;
  await world.clock.advance(MINUTE);
  assert.equal((await world.record("redis-1"))?.state, "offline");
  await world.clock.advance(71 * HOUR);
  assert.equal(await world.dataplane("redis-1"), undefined);
  await cp.stop();
});

test("a watch that fell behind lists again and notices what it missed", async () => {
  const world = await new FragileWorld(3).meshes();
  const cp = await world.controlPlane();
  const join = new Join(cp, redis("i1"));
  await join.settled;
  // More changes at once than the store keeps: the watch cannot follow.
  const puts = Array.from({ length: 20 }, (_, at) =>
    world.store.put({ type: "Mesh", mesh: "", name: `m${at}`, labels: {}, spec: {} }),
  );
  puts.push(world.store.delete({ type: "Dataplane", mesh: "default", name: "redis-1" }));
  for (let at = 20; at < 40; at++) {
    puts.push(world.store.put({ type: "Mesh", mesh: "", name: `m${at}`, labels: {}, spec: {} }));
  }
  await Promise.all(puts);
  await world.clock.settle();
  assert.match(join.stream.endedBecause ?? "", /was deleted/);
  const other = new Join(cp, new Stream("redis-2", "i2", definitionOf("redis-2", 9000)));
  await other.settled;
  assert.equal(other.state, "active", "the address is free again");
  await cp.stop();
});

test("a control plane that cannot read its store does not start", async () => {
  const world = await new FragileWorld().meshes();
  world.down = true;
  await assert.rejects(world.controlPlane(), /disk is full/);
  assert.equal(world.clock.pending, 0);
});
