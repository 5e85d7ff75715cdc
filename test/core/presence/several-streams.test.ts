import assert from "node:assert/strict";
import { test } from "node:test";
import { definitionOf, Join, SECOND, Stream, World } from "./world.ts";

const redis = definitionOf("redis-1", 9000);
const at = (host: string, incarnation: string) => new Stream("redis-1", incarnation, redis, `${host}:40000`);

test("the same sidecar again: the newer stream has the place at once, the older one ends", async () => {
  const world = await new World().meshes();
  const cp = await world.controlPlane();
  const first = new Join(cp, at("10.0.0.1", "i1"));
  await first.settled;
  const second = new Join(cp, at("10.0.0.1", "i1"));
  await second.settled;
  await world.clock.settle();
  assert.equal(second.state, "active");
  assert.match(first.stream.endedBecause ?? "", /newer stream/);
  assert.equal((await world.record("redis-1"))?.state, "connected");
  assert.deepEqual(world.said("lost"), []);
  await cp.stop();
});

test("another sidecar takes over once; the older is parked, without effect, until the winner leaves", async () => {
  const world = await new World().meshes();
  const cp = await world.controlPlane();
  const first = new Join(cp, at("10.0.0.1", "i1"));
  await first.settled;
  const activity: boolean[] = [];
  first.lease?.onActive((active) => activity.push(active));
  const second = new Join(cp, at("10.0.0.2", "i2"));
  await second.settled;
  await world.clock.settle();
  assert.deepEqual([first.state, second.state], ["parked", "active"]);
  assert.equal(first.stream.endedBecause, undefined, "closed, it would be back in a moment");
  const record = await world.record("redis-1");
  assert.equal(record?.incarnation, "i2");
  assert.match(record?.reason ?? "", /10\.0\.0\.2:40000.*10\.0\.0\.1:40000/);
  assert.deepEqual(world.said("twice"), [
    "redis-1 twice the sidecar at 10.0.0.1:40000 waits: another of the same name, at 10.0.0.2:40000, has the place",
  ]);

  // What the displaced one says has no effect, and it does not take the place back.
  await cp.presence.report(first.stream.proxy, "i1", { notReady: [9000], probed: [9000], draining: false });
  assert.deepEqual(await cp.presence.leave(first.stream.proxy, "i1"), { consumers: 0, missing: [] });
  first.close();
  await world.clock.settle();
  assert.equal((await world.record("redis-1"))?.rival, undefined, "nobody waits any more");
  const again = new Join(cp, at("10.0.0.1", "i1"));
  await world.clock.settle();
  assert.equal(again.state, "waiting");
  assert.deepEqual((await world.record("redis-1"))?.notReady, []);
  assert.equal((await world.record("redis-1"))?.rival, "10.0.0.1:40000");
  assert.equal((await world.record("redis-1"))?.incarnation, "i2");

  await cp.presence.leave(second.stream.proxy, "i2");
  await world.clock.settle();
  assert.equal(again.state, "waiting", "a winner that leaves has not ended");
  await cp.presence.left(second.stream.proxy, "i2");
  await world.clock.advance(0);
  assert.equal(again.state, "active");
  assert.ok(await world.dataplane("redis-1"), "made anew for the one that waited");
  assert.deepEqual(activity, [false]);
  await cp.stop();
});

for (const elsewhere of [false, true]) {
  const also = elsewhere ? ", also if another control plane was told" : "";
  test(`one that waits gets the place with what its application is now, not with what it was when the stream opened${also}`, async () => {
    const world = await new World().meshes();
    const cp = await world.controlPlane();
    const told = elsewhere ? await world.controlPlane() : cp;
    const first = at("10.0.0.1", "i1");
    first.health = { sequence: 0, notReady: [], probed: [9000] };
    const waiting = new Join(cp, first);
    await waiting.settled;
    const dead = { sequence: 1, notReady: [9000], probed: [9000], trouble: "Envoy is stopped by a signal" };
    assert.equal(await told.presence.report(first.proxy, "i1", dead), true);
    const winner = new Join(cp, at("10.0.0.2", "i2"));
    await winner.settled;
    await cp.presence.left(first.proxy, "i2");
    await world.clock.advance(0);
    assert.equal(waiting.state, "active");
    const record = await world.record("redis-1");
    assert.deepEqual([record?.incarnation, record?.notReady, record?.healthSequence], ["i1", [9000], 1]);
    assert.equal(record?.trouble, dead.trouble);
    await cp.stop();
    await told.stop();
  });
}

test("a winner whose connection breaks keeps its place if it is back within 2 s, and loses it after", async () => {
  const world = await new World().meshes();
  const cp = await world.controlPlane();
  const first = new Join(cp, at("10.0.0.1", "i1"));
  await first.settled;
  const second = new Join(cp, at("10.0.0.2", "i2"));
  await second.settled;
  second.close();
  await world.clock.advance(1 * SECOND);
  const back = new Join(cp, at("10.0.0.2", "i2"));
  await back.settled;
  await world.clock.advance(5 * SECOND);
  assert.deepEqual([first.state, back.state], ["parked", "active"]);
  back.close();
  await world.clock.advance(2 * SECOND);
  assert.equal(first.state, "active");
  const late = new Join(cp, at("10.0.0.2", "i2"));
  await world.clock.settle();
  assert.equal(late.state, "waiting", "it took over once already");
  await cp.stop();
});

test("a winner that left makes room at once, even if its stream stays open and the Dataplane is the user's", async () => {
  const world = await new World().meshes();
  await world.store.put(redis);
  const cp = await world.controlPlane();
  const first = new Join(cp, at("10.0.0.1", "i1"));
  await first.settled;
  const second = new Join(cp, at("10.0.0.2", "i2"));
  await second.settled;
  await cp.presence.left(second.stream.proxy, "i2");
  await world.clock.advance(0);
  assert.deepEqual([first.state, second.state], ["active", "parked"]);
  assert.equal((await world.record("redis-1"))?.state, "connected");
  second.close();
  await world.clock.settle();
  assert.equal((await world.record("redis-1"))?.state, "connected");
  await cp.stop();
});

test("over two control planes: takeover, parking, and the place back when the winner is gone", async () => {
  const world = await new World().meshes();
  const one = await world.controlPlane();
  const two = await world.controlPlane();
  const first = new Join(one, at("10.0.0.1", "i1"));
  await first.settled;
  const second = new Join(two, at("10.0.0.2", "i2"));
  await second.settled;
  await world.clock.settle();
  assert.deepEqual([first.state, second.state], ["parked", "active"]);
  second.close();
  await world.clock.advance(2 * SECOND);
  assert.equal(first.state, "active");
  assert.equal((await world.record("redis-1"))?.instance, one.instance);
  const same = new Join(two, at("10.0.0.1", "i1"));
  await same.settled;
  await world.clock.settle();
  assert.equal(same.state, "active");
  assert.match(first.stream.endedBecause ?? "", /newer stream/);
  first.close();
  await world.clock.settle();
  assert.equal((await world.record("redis-1"))?.state, "connected", "the end of an older stream is no loss");
  await one.stop();
  await two.stop();
});

test("two sidecars of one name that open at the same moment: exactly one has the place", async () => {
  const world = await new World().meshes();
  const one = await world.controlPlane();
  const two = await world.controlPlane();
  const joins = [
    new Join(one, at("10.0.0.1", "i1")),
    new Join(two, at("10.0.0.2", "i2")),
    new Join(one, at("10.0.0.3", "i3")),
  ];
  await world.clock.advance(SECOND);
  assert.equal(joins.filter((join) => join.state === "active").length, 1);
  assert.equal(joins.filter((join) => join.state === "refused").length, 0);
  const holder = joins.find((join) => join.state === "active");
  assert.equal((await world.record("redis-1"))?.incarnation, holder?.stream.incarnation);
  await one.stop();
  await two.stop();
});

test("two connected Dataplanes with one address: the second is refused and told the first", async () => {
  const world = await new World().meshes("default", "other");
  const cp = await world.controlPlane();
  const first = new Join(cp, at("10.0.0.1", "i1"));
  await first.settled;
  const twin = () => new Stream("redis-2", `j${Math.random()}`, definitionOf("redis-2", 9000));
  const second = new Join(cp, twin());
  await second.settled;
  assert.match(second.error?.message ?? "", /192\.168\.0\.1:9000 belongs to Dataplane "redis-1"/);
  assert.equal(await world.dataplane("redis-2"), undefined);
  const elsewhere = new Join(
    cp,
    new Stream({ mesh: "other", name: "redis-2" }, "j2", definitionOf("redis-2", 9000, { mesh: "other" })),
  );
  await elsewhere.settled;
  assert.equal(elsewhere.state, "active", "another mesh is another space");
  const port = new Join(cp, new Stream("redis-3", "j3", definitionOf("redis-3", 9001)));
  await port.settled;
  assert.equal(port.state, "active");
  first.close();
  await world.clock.settle();
  const third = new Join(cp, twin());
  await third.settled;
  assert.equal(third.state, "active", "a lost one does not block");
  const back = new Join(cp, at("10.0.0.1", "i1"));
  await back.settled;
  assert.match(back.error?.message ?? "", /belongs to Dataplane "redis-2"/);
  await cp.stop();
});

test("one address, two control planes, the same moment: exactly one is refused", async () => {
  for (let round = 0; round < 20; round++) {
    const world = await new World().meshes();
    const one = await world.controlPlane();
    const two = await world.controlPlane();
    if (round % 2) await world.store.put(definitionOf("redis-2", 9000));
    const joins = [
      new Join(one, new Stream("redis-1", "i1", definitionOf("redis-1", 9000))),
      new Join(two, new Stream("redis-2", "i2", definitionOf("redis-2", 9000, { address: "192.168.0.1" }))),
    ];
    await world.clock.advance(SECOND);
    const states = joins.map((join) => join.state).sort();
    assert.deepEqual(states, ["active", "refused"], `round ${round}`);
    const refused = joins.find((join) => join.state === "refused");
    const name = refused?.stream.proxy.name ?? "";
    assert.notEqual((await world.record(name))?.state, "connected");
    assert.equal(await world.dataplane(name).then(Boolean), name === "redis-2" && round % 2 === 1);
    await one.stop();
    await two.stop();
  }
});
