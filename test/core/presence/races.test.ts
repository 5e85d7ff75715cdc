import assert from "node:assert/strict";
import { test } from "node:test";
import type { MeshError } from "../../../core/kernel/errors.ts";
import type { PresenceSettings } from "../../../core/presence/create-presence.ts";
import type { ResourceStore } from "../../../core/store/resource-store.ts";
import { createMemoryStore } from "../../../plugins/store-memory/memory-store.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { type ControlPlane, definitionOf, Join, MINUTE, SECOND, Stream, World } from "./world.ts";

interface Pair {
  readonly world: World;
  readonly one: ControlPlane;
  readonly two: ControlPlane;
  readonly round: number;
}

/** Two control planes of one store, whose calls take their time in many different ways. They stop when the round is over. */
async function* jitteredPairs(rounds: number, settings?: PresenceSettings): AsyncIterable<Pair> {
  for (let round = 1; round <= rounds; round++) {
    const world = new World();
    let state = round;
    world.jitter = () => {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
      return (state >> 8) % 14;
    };
    await world.meshes();
    const [one, two] = [await world.controlPlane(settings), await world.controlPlane(settings)];
    yield { world, one, two, round };
    await one.stop();
    await two.stop();
  }
}

/** A world in which a sidecar that joins is stored by other means. */
async function worldWith(putAll: (inner: ResourceStore) => ResourceStore["putAll"]): Promise<World> {
  const clock = new ManualClock();
  const inner = createMemoryStore({ clock });
  const replaced = putAll(inner);
  const store = new Proxy(inner, {
    get: (target, property) => (property === "putAll" ? replaced : Reflect.get(target, property)?.bind(target)),
  });
  return await new World(clock, store).meshes();
}

const redis = (incarnation: string, host = "10.0.0.1") =>
  new Stream("redis-1", incarnation, definitionOf("redis-1", 9000), `${host}:40000`);

test("a sidecar that asked to leave does not get its place back when the one that took over is lost", async () => {
  const world = await new World().meshes();
  const cp = await world.controlPlane();
  const first = new Join(cp, redis("i1"));
  await first.settled;
  await cp.presence.leave(first.stream.proxy, "i1");
  const second = new Join(cp, redis("i2", "10.0.0.2"));
  await second.settled;
  second.close();
  await world.clock.advance(MINUTE);
  assert.equal(first.state, "parked");
  assert.equal((await world.record("redis-1"))?.state, "lost");
  const again = new Join(cp, redis("i1"));
  await again.settled;
  assert.match(again.error?.message ?? "", /has left/);
  await cp.stop();
});

test("left at one control plane while its Envoy reconnects to another: it has left", async () => {
  for await (const { world, one, two, round } of jitteredPairs(60)) {
    const join = new Join(one, redis("i1"));
    await join.settled;
    const again = new Join(two, redis("i1"));
    await Promise.all([one.presence.left(join.stream.proxy, "i1"), again.settled]);
    await world.clock.advance(SECOND);
    assert.equal(await world.dataplane("redis-1"), undefined, `round ${round}`);
  }
});

test("left at one control plane while the next sidecar takes the place at another: it keeps what it took", async () => {
  for await (const { world, one, two, round } of jitteredPairs(300)) {
    const first = new Join(one, redis("i1"));
    await first.settled;
    await one.presence.leave(first.stream.proxy, "i1");
    const next = new Join(two, redis("i2"));
    await Promise.all([one.presence.left(first.stream.proxy, "i1"), next.settled]);
    await world.clock.settle();
    assert.equal(next.state, "active", `round ${round}`);
    assert.equal((await world.record("redis-1"))?.incarnation, "i2", `round ${round}`);
    assert.ok(await world.dataplane("redis-1"), `round ${round}`);
  }
});

test("a Dataplane that is deleted just as its sidecar takes the place: the stream ends, and the sidecar may join again", async () => {
  let deleted = false;
  // The watch shows record and deletion together, before the stream is known to have its place.
  const world = await worldWith((inner) => async (puts, advance) => {
    const written = await inner.putAll(puts, advance);
    if (!deleted) await inner.delete({ type: "Dataplane", mesh: "default", name: "redis-1" });
    deleted = true;
    return written;
  });
  const cp = await world.controlPlane();
  const first = new Join(cp, redis("i1"));
  await first.settled;
  assert.match(first.stream.endedBecause ?? "it has a place that no record tells of", /was deleted/);
  const again = new Join(cp, redis("i1"));
  await again.settled;
  assert.equal(again.state, "active");
  assert.ok(await world.dataplane("redis-1"));
  await cp.stop();
});

test("a sidecar that loses every race for its place leaves nothing behind", async () => {
  let tries = 0;
  // Somebody is always a little faster.
  const world = await worldWith((inner) => async (puts, fence) => {
    tries++;
    assert.ok(fence, "a join is fenced");
    await inner.advanceEpoch(fence.key, fence.epoch);
    return inner.putAll(puts, fence);
  });
  const cp = await world.controlPlane();
  const before = await world.store.revision();
  const join = new Join(cp, redis("i1"));
  await join.settled;
  assert.equal((join.error as MeshError | undefined)?.code, "MM511");
  assert.ok(tries > 1);
  assert.deepEqual(await world.dataplane("redis-1"), undefined);
  assert.deepEqual(await world.record("redis-1"), undefined);
  assert.equal(await world.store.revision(), before);
  await cp.stop();
});

test("leave at one control plane while the stream reconnects to another: the endpoints stay withdrawn", async () => {
  for await (const { world, one, two, round } of jitteredPairs(60)) {
    const join = new Join(one, redis("i1"));
    await join.settled;
    const again = new Join(two, redis("i1"));
    await Promise.all([one.presence.leave(join.stream.proxy, "i1"), again.settled]);
    await world.clock.settle();
    const record = await world.record("redis-1");
    assert.deepEqual([record?.state, record?.endpoints], ["leaving", "withdrawn"], `round ${round}`);
  }
});

test("three sidecars of two names and one address at once: no Dataplane is left without a record, and one at the most has the address", async () => {
  let held = 0;
  for await (const { world, one, two, round } of jitteredPairs(120)) {
    const joins = [
      new Join(two, new Stream("redis-3", "j1", definitionOf("redis-3", 9000))),
      new Join(one, new Stream("redis-3", "j2", definitionOf("redis-3", 9000), "10.0.0.2:40000")),
      new Join(one, redis("i1")),
    ];
    await world.clock.advance(3 * SECOND);
    const names = ["redis-1", "redis-3"];
    const records = await Promise.all(names.map((name) => world.record(name)));
    for (const [at, name] of names.entries()) {
      assert.equal(records[at] !== undefined, (await world.dataplane(name)) !== undefined, `${name} in round ${round}`);
    }
    const connected = records.filter((record) => record?.state === "connected").length;
    assert.ok(connected <= 1, `round ${round}: ${connected} have the address`);
    assert.equal(joins.filter((join) => join.state === "active").length, connected, `round ${round}`);
    held += connected;
  }
  // When all meet in the middle each may be refused because of another that is refused too.
  assert.ok(held >= 100, `only ${held} of 120 times somebody had it`);
});

test("the cleanup age and a return at the same moment: the proxy is there afterwards", async () => {
  const settings = { idleTimeoutMs: MINUTE, cleanupAgeMs: 2 * MINUTE };
  for await (const { world, one, two, round } of jitteredPairs(60, settings)) {
    const join = new Join(one, redis("i1"));
    await join.settled;
    join.close();
    await world.clock.advance(2 * MINUTE - 1);
    const back = new Join(two, redis("i1"));
    await world.clock.advance(1);
    await world.clock.advance(SECOND);
    assert.equal(back.state, "active", `round ${round}: ${back.error?.message}`);
    assert.ok(await world.dataplane("redis-1"), `round ${round}`);
    assert.equal((await world.record("redis-1"))?.state, "connected", `round ${round}`);
  }
});

test("the end of a displaced stream says nothing about the one that took its place", async () => {
  for await (const { world, one, two, round } of jitteredPairs(60)) {
    const first = new Join(one, redis("i1"));
    await first.settled;
    const second = new Join(two, redis("i1"));
    first.close();
    await second.settled;
    await world.clock.advance(SECOND);
    assert.equal((await world.record("redis-1"))?.state, "connected", `round ${round}`);
  }
});

test("a sidecar that had to go comes again just when the holder ends: it gets the place", async () => {
  for await (const { world, one, two, round } of jitteredPairs(60)) {
    const first = new Join(one, redis("i1"));
    await first.settled;
    const second = new Join(two, redis("i2", "10.0.0.2"));
    await second.settled;
    first.close();
    await world.clock.settle();
    second.close();
    const again = new Join(one, redis("i1"));
    await world.clock.advance(3 * SECOND);
    assert.equal(again.state, "active", `round ${round}`);
  }
});
