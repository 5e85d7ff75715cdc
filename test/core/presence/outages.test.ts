import assert from "node:assert/strict";
import { test } from "node:test";
import { type ControlPlane, definitionOf, HOUR, Join, MINUTE, SECOND, Stream, World, YEAR } from "./world.ts";

async function join(cp: ControlPlane, name: string, port: number, incarnation = `${name}-a`): Promise<Join> {
  const joined = new Join(cp, new Stream(name, incarnation, definitionOf(name, port)));
  await joined.settled;
  assert.equal(joined.state, "active", joined.error?.message);
  return joined;
}

async function many(cp: ControlPlane, count: number, prefix = "web"): Promise<Join[]> {
  const joins: Join[] = [];
  for (let at = 0; at < count; at++) joins.push(await join(cp, `${prefix}-${at}`, 9000 + at));
  return joins;
}

const states = async (world: World, names: readonly string[]) =>
  Promise.all(
    names.map(async (name) => {
      const record = await world.record(name);
      return record ? `${record.state} ${record.endpoints}` : "none";
    }),
  );

test("a control plane that restarts: its proxies count as connected for 60 s, then the absent ones are lost", async () => {
  const world = await new World().meshes();
  const first = await world.controlPlane();
  await many(first, 3);
  await world.clock.advance(45 * SECOND);
  const beat = world.clock.now() - 15 * SECOND;
  await first.crash();
  world.lines.length = 0;
  await world.clock.advance(10 * SECOND);
  const second = await world.controlPlane();
  await join(second, "web-0", 9000);
  await world.clock.advance(60 * SECOND - 1);
  assert.deepEqual(await states(world, ["web-0", "web-1", "web-2"]), Array(3).fill("connected healthy"));
  assert.deepEqual(world.lines, [], "nothing that people have to know happened yet");
  await world.clock.advance(1);
  assert.deepEqual(await states(world, ["web-0", "web-1", "web-2"]), [
    "connected healthy",
    "lost degraded",
    "lost degraded",
  ]);
  assert.equal((await world.record("web-1"))?.lastSeen, beat, "last sign of life is the heartbeat");
  await second.stop();
});

test("a control plane that stops in an orderly way loses nobody", async () => {
  const world = await new World().meshes();
  const first = await world.controlPlane();
  const joins = await many(first, 12);
  const stopping = first.presence.stop();
  for (const each of joins) each.close("the control plane is stopping");
  await stopping;
  await first.stop();
  assert.deepEqual(
    new Set(
      await states(
        world,
        joins.map((each) => each.stream.proxy.name),
      ),
    ),
    new Set(["connected healthy"]),
  );
  const second = await world.controlPlane();
  for (let at = 0; at < 12; at++) await join(second, `web-${at}`, 9000 + at);
  await world.clock.advance(HOUR);
  assert.deepEqual(world.said("lost"), []);
  await second.stop();
});

test("the streams of a control plane that closes end after its scope: no loss either", async () => {
  const world = await new World().meshes();
  const cp = await world.controlPlane();
  const one = await join(cp, "web-1", 9000);
  const closed = cp.scope.close();
  one.close();
  await closed;
  assert.deepEqual(await states(world, ["web-1"]), ["connected healthy"]);
});

test("100 hours without a control plane delete nothing", async () => {
  const world = await new World().meshes();
  const first = await world.controlPlane();
  const [lost] = await many(first, 3);
  lost?.close();
  await world.clock.advance(HOUR);
  assert.deepEqual(await states(world, ["web-0"]), ["offline degraded"]);
  await first.crash();
  await world.clock.advance(100 * HOUR);
  const second = await world.controlPlane();
  await world.clock.settle();
  await world.clock.advance(30 * SECOND);
  assert.deepEqual(await states(world, ["web-0", "web-1", "web-2"]), [
    "offline degraded",
    "connected healthy",
    "connected healthy",
  ]);
  await join(second, "web-1", 9001);
  // 72 h of observed absence, of which one hour was before the outage.
  await world.clock.advance(70 * HOUR);
  assert.ok(await world.dataplane("web-0"));
  await world.clock.advance(HOUR + MINUTE);
  assert.deepEqual(await states(world, ["web-0", "web-1"]), ["none", "connected healthy"]);
  assert.ok(await world.dataplane("web-2"), "its last sign of life is an hour younger");
  await second.stop();
});

test("proxies that stay away after an outage of 100 hours are deleted 72 h after it, not at once", async () => {
  const world = await new World().meshes();
  const first = await world.controlPlane();
  await many(first, 2);
  await first.crash();
  await world.clock.advance(100 * HOUR);
  const second = await world.controlPlane();
  await world.clock.advance(71 * HOUR);
  assert.deepEqual(await states(world, ["web-0", "web-1"]), Array(2).fill("offline degraded"));
  await world.clock.advance(HOUR + MINUTE);
  assert.deepEqual(await states(world, ["web-0", "web-1"]), ["none", "none"]);
  await second.stop();
});

for (const years of [50, -50]) {
  test(`the wall clock jumps ${years} years: nothing is lost, offline or deleted`, async () => {
    const world = await new World().meshes();
    const cp = await world.controlPlane();
    const [, lost] = await many(cp, 3);
    lost?.close();
    await world.clock.settle();
    world.clock.jump(years * YEAR);
    await world.clock.advance(2 * MINUTE);
    assert.deepEqual(await states(world, ["web-0", "web-1", "web-2"]), [
      "connected healthy",
      "lost degraded",
      "connected healthy",
    ]);
    await cp.crash();
    world.clock.jump(-2 * years * YEAR);
    const next = await world.controlPlane();
    await join(next, "web-0", 9000);
    await join(next, "web-2", 9002);
    await world.clock.advance(2 * MINUTE);
    assert.deepEqual(await states(world, ["web-0", "web-1", "web-2"]), [
      "connected healthy",
      "lost degraded",
      "connected healthy",
    ]);
    await world.clock.advance(MINUTE + SECOND);
    assert.deepEqual(await states(world, ["web-1"]), ["offline degraded"], "time that was observed counts");
    await next.stop();
  });
}

test("a control plane that was frozen for 100 hours deletes nothing when it wakes", async () => {
  const world = await new World().meshes();
  const cp = await world.controlPlane();
  const [, lost] = await many(cp, 2);
  lost?.close();
  await world.clock.settle();
  world.clock.freeze(100 * HOUR);
  await world.clock.advance(SECOND);
  assert.deepEqual(await states(world, ["web-0", "web-1"]), ["connected healthy", "lost degraded"]);
  await cp.stop();
});

test("two control planes: one dies, the other takes its proxies for lost after the grace, and they come back to it", async () => {
  const world = await new World().meshes();
  const one = await world.controlPlane();
  const two = await world.controlPlane();
  await many(one, 2);
  await join(two, "other", 8000);
  await world.clock.advance(HOUR);
  await one.crash();
  await world.clock.advance(20 * SECOND);
  await join(two, "web-0", 9000);
  await world.clock.advance(40 * SECOND);
  assert.deepEqual(await states(world, ["web-0", "web-1"]), Array(2).fill("connected healthy"));
  await world.clock.advance(31 * SECOND);
  assert.deepEqual(await states(world, ["web-0", "web-1", "other"]), [
    "connected healthy",
    "lost degraded",
    "connected healthy",
  ]);
  await world.clock.advance(HOUR);
  assert.deepEqual(await states(world, ["web-0", "web-1"]), ["connected healthy", "offline degraded"]);
  assert.deepEqual(
    (await world.store.list("ControlPlaneHeartbeat")).items.map((row) => row.name),
    [two.instance],
    "the row of the dead one is cleaned away",
  );
  await two.stop();
});

test("absence counts once, however many control planes watch", async () => {
  const world = await new World().meshes();
  const one = await world.controlPlane();
  const two = await world.controlPlane();
  const three = await world.controlPlane();
  const lost = await join(one, "web-1", 9000);
  lost.close();
  await world.clock.advance(71 * HOUR);
  assert.ok(await world.dataplane("web-1"));
  await world.clock.advance(HOUR + SECOND);
  assert.equal(await world.dataplane("web-1"), undefined);
  assert.equal(world.said("offline").length, 1);
  assert.equal(world.said("deleted").length, 1);
  for (const each of [one, two, three]) await each.stop();
});

test("half of a mesh is lost within 5 s: recorded, but the endpoints stay until the idle timeout", async () => {
  const world = await new World().meshes();
  const cp = await world.controlPlane();
  const joins = await many(cp, 30);
  const names = joins.map((each) => each.stream.proxy.name);
  for (const each of joins.slice(0, 20)) {
    each.close();
    await world.clock.advance(100);
  }
  assert.deepEqual(new Set(await states(world, names.slice(0, 20))), new Set(["lost healthy"]));
  assert.equal(world.said("mass-loss").length, 1);
  await join(cp, "web-0", 9000);
  await world.clock.advance(5 * MINUTE - 3 * SECOND);
  assert.deepEqual(new Set(await states(world, names.slice(1, 20))), new Set(["lost healthy"]));
  await world.clock.advance(5 * SECOND);
  assert.deepEqual(new Set(await states(world, names.slice(1, 20))), new Set(["offline degraded"]));
  assert.deepEqual(await states(world, ["web-0", "web-29"]), Array(2).fill("connected healthy"));
  await cp.stop();
});

test("all at once is a mass loss too; half of a small mesh, or a third of a large one, is not", async () => {
  for (const [size, lost, expected] of [
    [40, 40, "lost healthy"],
    [9, 9, "lost degraded"],
    [40, 13, "lost degraded"],
    [20, 10, "lost degraded"],
    [19, 10, "lost healthy"],
  ] as const) {
    const world = await new World().meshes();
    const cp = await world.controlPlane();
    const joins = (await many(cp, size)).slice(0, lost);
    for (const each of joins) each.close();
    await world.clock.advance(SECOND);
    const found = new Set(
      await states(
        world,
        joins.map((each) => each.stream.proxy.name),
      ),
    );
    assert.deepEqual(found, new Set([expected]), `${lost} of ${size}`);
    await cp.stop();
  }
});

test("a mass loss is recognised over several control planes", async () => {
  const world = await new World().meshes();
  const [one, two] = [await world.controlPlane(), await world.controlPlane()];
  const joins = [
    ...(await many(one, 7)),
    ...(await Promise.all([7, 8, 9, 10].map((at) => join(two, `web-${at}`, 9000 + at)))),
  ];
  for (const each of joins) {
    each.close();
    await world.clock.advance(100);
  }
  const names = joins.map((each) => each.stream.proxy.name);
  assert.deepEqual(new Set(await states(world, names)), new Set(["lost healthy"]));
  await one.stop();
  await two.stop();
});

test("slow losses are ordinary losses, and so is one that comes long after a mass loss", async () => {
  const world = await new World().meshes();
  const cp = await world.controlPlane();
  const joins = await many(cp, 40);
  const names = joins.map((each) => each.stream.proxy.name);
  for (const each of joins.slice(0, 12)) {
    each.close();
    await world.clock.advance(SECOND);
  }
  assert.deepEqual(new Set(await states(world, names.slice(0, 12))), new Set(["lost degraded"]));
  for (const each of joins.slice(12, 36)) each.close();
  await world.clock.advance(10 * SECOND);
  assert.deepEqual(new Set(await states(world, names.slice(12, 36))), new Set(["lost healthy"]));
  joins[39]?.close();
  await world.clock.advance(SECOND);
  assert.deepEqual(await states(world, ["web-39"]), ["lost degraded"]);
  await cp.stop();
});

test("a mesh whose control plane comes back without most of it keeps its endpoints", async () => {
  const world = await new World().meshes();
  const first = await world.controlPlane();
  const joins = await many(first, 30);
  await first.crash();
  const second = await world.controlPlane();
  await join(second, "web-0", 9000);
  await world.clock.advance(61 * SECOND);
  const names = joins.slice(1).map((each) => each.stream.proxy.name);
  assert.deepEqual(new Set(await states(world, names)), new Set(["lost healthy"]));
  await second.stop();
});

test("an idle mesh sets two timers and writes one row every 30 s", async () => {
  const world = await new World().meshes();
  const cp = await world.controlPlane();
  const joins = await many(cp, 50);
  joins[0]?.close();
  await world.clock.advance(10 * MINUTE);
  const revision = await world.store.revision();
  assert.ok(world.clock.pending <= 2, `${world.clock.pending} timers`);
  await world.clock.advance(10 * MINUTE);
  assert.equal((await world.store.revision()) - revision, 20);
  await cp.stop();
  assert.equal(world.clock.pending, 0);
});
