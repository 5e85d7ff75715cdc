import assert from "node:assert/strict";
import { test } from "node:test";
import type { SidecarHealth } from "../../../core/model/dataplane/sidecar-health.ts";
import { definitionOf, HOUR, Join, MINUTE, SECOND, Stream, World } from "./world.ts";

const redis = definitionOf("redis-1", 9000);
const direct = (incarnation = "i1", peer?: string) => new Stream("redis-1", incarnation, redis, peer);

test("direct: the Dataplane is made when the stream opens and deleted at /left", async () => {
  const world = await new World().meshes();
  const cp = await world.controlPlane();
  const join = new Join(cp, direct());
  await join.settled;
  assert.equal(join.state, "active");
  assert.equal(join.lease?.dataplane.spec, (await world.dataplane("redis-1"))?.spec);
  assert.deepEqual(world.said("joined"), ["redis-1 joined service redis, 192.168.0.1:9000 -> 127.0.0.1:6379"]);
  assert.equal((await world.record("redis-1"))?.state, "connected");

  world.consumers.answer = { total: 2, missing: [] };
  assert.deepEqual(await cp.presence.leave(join.stream.proxy, "i1"), { consumers: 2, missing: [] });
  assert.equal((await world.record("redis-1"))?.endpoints, "withdrawn");
  await cp.presence.left(join.stream.proxy, "i1");
  assert.equal(await world.dataplane("redis-1"), undefined);
  assert.equal(await world.record("redis-1"), undefined);
  assert.match(world.said("leaving")[0] ?? "", /^redis-1 leaving withdrawn from 2 of 2 consumers in 0ms$/);
  assert.deepEqual(world.said("gone"), ["redis-1 gone"]);
  await world.clock.settle();
  assert.equal(join.stream.endedBecause, undefined, "its Envoy must not be told to come back");
  join.close();
  await cp.presence.left(join.stream.proxy, "i1");
  assert.deepEqual(await cp.presence.leave(join.stream.proxy, "i1"), { consumers: 0, missing: [] });
  await cp.stop();
});

test("a sidecar that left does not come back by a late stream of its Envoy", async () => {
  const world = await new World().meshes();
  const cp = await world.controlPlane();
  const join = new Join(cp, direct());
  await join.settled;
  await cp.presence.left(join.stream.proxy, "i1");
  await world.clock.settle();
  const late = new Join(cp, direct("i1"));
  await late.settled;
  assert.equal(late.state, "refused");
  assert.equal(await world.dataplane("redis-1"), undefined);
  const next = new Join(cp, direct("i2"));
  await next.settled;
  assert.equal(next.state, "active", "a sidecar that was started anew may join");
  await cp.stop();
});

test("leave is stored before it waits, names who has not confirmed after 2 s, and can be repeated", async () => {
  const world = await new World().meshes();
  const cp = await world.controlPlane();
  const join = new Join(cp, direct());
  await join.settled;
  world.consumers.answer = undefined;
  const leaving = cp.presence.leave(join.stream.proxy, "i1");
  await world.clock.settle();
  assert.equal((await world.record("redis-1"))?.endpoints, "withdrawn");
  const [request] = world.consumers.requests;
  assert.deepEqual(request?.services, ["redis"]);
  const stored = await world.store.get({ type: "DataplanePresence", mesh: "default", name: "redis-1" });
  assert.equal(request?.revision, stored?.revision);
  const again = cp.presence.leave(join.stream.proxy, "i1");
  let answered = false;
  void leaving.then(() => (answered = true));
  await world.clock.advance(1999);
  assert.equal(answered, false);
  await world.clock.advance(1);
  assert.deepEqual(await leaving, { consumers: 1, missing: ["slow-1"] });
  assert.deepEqual(world.said("leaving"), [
    "redis-1 leaving withdrawn from 0 of 1 consumers in 2s; not confirmed by slow-1",
  ]);
  world.consumers.requests[1]?.answer({ total: 1, missing: [] });
  await again;
  assert.equal(world.said("leaving").length, 1, "a repetition is no news");
  await cp.stop();
});

test("a stream that ends after leave has left, without /left", async () => {
  const world = await new World().meshes();
  const cp = await world.controlPlane();
  const join = new Join(cp, direct());
  await join.settled;
  await cp.presence.leave(join.stream.proxy, "i1");
  join.close();
  await world.clock.settle();
  assert.equal(await world.dataplane("redis-1"), undefined);
  assert.deepEqual(world.said("lost"), []);
  await cp.stop();
});

test("a control plane that dies during a leave: the next one finishes it", async () => {
  const world = await new World().meshes();
  const first = await world.controlPlane();
  const join = new Join(first, direct());
  await join.settled;
  await first.presence.leave(join.stream.proxy, "i1");
  await first.crash();
  const second = await world.controlPlane();
  assert.deepEqual(await second.presence.leave(join.stream.proxy, "i1"), { consumers: 0, missing: [] });
  assert.equal((await world.record("redis-1"))?.state, "leaving");
  await second.presence.left(join.stream.proxy, "i1");
  assert.equal(await world.dataplane("redis-1"), undefined);
  await second.stop();
});

test("indirect: must exist; offline after a leave; the Dataplane stays until the cleanup age", async () => {
  const world = await new World().meshes();
  const cp = await world.controlPlane();
  const early = new Join(cp, new Stream("redis-1", "i1"));
  await early.settled;
  assert.match(early.error?.message ?? "", /Dataplane "redis-1" of mesh "default" does not exist/);
  await world.store.put(redis);
  const join = new Join(cp, new Stream("redis-1", "i2"));
  await join.settled;
  assert.equal(join.state, "active");
  await cp.presence.leave(join.stream.proxy, "i2");
  await cp.presence.left(join.stream.proxy, "i2");
  join.close();
  await world.clock.settle();
  assert.equal((await world.record("redis-1"))?.state, "left");
  assert.deepEqual(world.absences, [{ name: "redis-1", lastSeen: world.clock.now() }]);
  await world.clock.advance(71 * HOUR);
  assert.ok(await world.dataplane("redis-1"));
  await world.clock.advance(HOUR + SECOND);
  assert.equal(await world.dataplane("redis-1"), undefined);
  await cp.stop();
});

test("a Dataplane that a user made stays the user's: updated by the sidecar, kept by its leave", async () => {
  const world = await new World().meshes();
  await world.store.put(definitionOf("redis-1", 8000));
  const cp = await world.controlPlane();
  const join = new Join(cp, direct());
  await join.settled;
  assert.equal((await world.dataplane("redis-1"))?.spec.networking.inbound?.[0]?.port, 9000);
  await cp.presence.left(join.stream.proxy, "i1");
  await world.clock.settle();
  assert.ok(await world.dataplane("redis-1"));
  assert.equal((await world.record("redis-1"))?.state, "left");
  await cp.stop();
});

test("lost at once, back by a reconnect, offline by the idle timeout, deleted by the cleanup age", async () => {
  const world = await new World().meshes();
  const cp = await world.controlPlane();
  const join = new Join(cp, direct());
  await join.settled;
  join.close();
  await world.clock.settle();
  let record = await world.record("redis-1");
  assert.deepEqual(
    [record?.state, record?.endpoints, record?.reason],
    ["lost", "degraded", "the connection was reset"],
  );
  await world.clock.advance(3 * SECOND);
  const back = new Join(cp, direct("i1", "10.0.0.1:40001"));
  await back.settled;
  record = await world.record("redis-1");
  assert.deepEqual([record?.state, record?.endpoints], ["connected", "healthy"]);
  assert.deepEqual(world.said("back"), ["redis-1 back after 3s"]);
  back.close();
  const lostAt = world.clock.now();
  await world.clock.advance(5 * MINUTE - 1);
  assert.equal((await world.record("redis-1"))?.state, "lost");
  assert.deepEqual(world.absences, []);
  await world.clock.advance(1);
  record = await world.record("redis-1");
  assert.deepEqual([record?.state, record?.endpoints], ["offline", "degraded"]);
  assert.deepEqual(world.absences, [{ name: "redis-1", lastSeen: lostAt }]);
  await world.clock.advance(72 * HOUR - 5 * MINUTE - SECOND);
  assert.ok(await world.dataplane("redis-1"));
  await world.clock.advance(2 * SECOND);
  assert.equal(await world.dataplane("redis-1"), undefined);
  assert.deepEqual(
    ["lost", "offline", "deleted"].map((word) => world.said(word)),
    [
      Array(2).fill("redis-1 lost the connection was reset; used only when nothing else is left"),
      ["redis-1 offline no sign of life for 5m"],
      ["redis-1 deleted absent for too long: no sign of life for 5m"],
    ],
  );
  await cp.stop();
});

test("a Dataplane that never connected is never collected", async () => {
  const world = await new World().meshes();
  await world.store.put(redis);
  const cp = await world.controlPlane();
  await world.clock.advance(100 * HOUR);
  assert.ok(await world.dataplane("redis-1"));
  await cp.stop();
});

test("a reconnect with the same definition does not write the Dataplane", async () => {
  const world = await new World().meshes();
  const cp = await world.controlPlane();
  const join = new Join(cp, direct());
  await join.settled;
  const before = await world.dataplane("redis-1");
  join.close();
  const back = new Join(cp, direct());
  await back.settled;
  assert.equal((await world.dataplane("redis-1"))?.version, before?.version);
  const moved = new Join(cp, new Stream("redis-1", "i2", definitionOf("redis-1", 9001)));
  await moved.settled;
  assert.equal((await world.dataplane("redis-1"))?.version, (before?.version ?? 0) + 1);
  await cp.stop();
});

test("readers never see a new Dataplane without its record, nor an old address as healthy", async () => {
  const world = await new World().meshes();
  const cp = await world.controlPlane();
  const join = new Join(cp, direct());
  await join.settled;
  join.close();
  await world.clock.settle();
  const moved = new Join(cp, new Stream("redis-1", "i2", definitionOf("redis-1", 9001)));
  await moved.settled;
  const picture = { port: 0, endpoints: "none" as string };
  const seen: string[] = [];
  const controller = new AbortController();
  setImmediate(() => controller.abort());
  for await (const changes of world.store.watch(0, controller.signal)) {
    for (const { resource } of changes) {
      if (resource.type === "DataplanePresence") {
        picture.endpoints = (resource.spec as { endpoints: string }).endpoints;
      } else if (resource.type === "Dataplane") {
        picture.port = (resource.spec as typeof redis.spec).networking.inbound?.[0]?.port ?? 0;
      } else continue;
      const now = `${picture.port} ${picture.endpoints}`;
      if (picture.port !== 0 && seen.at(-1) !== now) seen.push(now);
    }
  }
  assert.deepEqual(seen, ["9000 healthy", "9000 degraded", "9001 degraded", "9001 healthy"]);
  await cp.stop();
});

test("the user deletes a Dataplane that is connected: its sidecar is told to join again", async () => {
  const world = await new World().meshes();
  const cp = await world.controlPlane();
  const join = new Join(cp, direct());
  await join.settled;
  await world.store.delete({ type: "Dataplane", mesh: "default", name: "redis-1" });
  await world.clock.settle();
  assert.match(join.stream.endedBecause ?? "", /was deleted/);
  assert.deepEqual(world.said("lost"), []);
  const again = new Join(cp, direct());
  await again.settled;
  assert.equal(again.state, "active");
  await cp.stop();
});

test("probes: a probed inbound waits, a report is written once, a late sidecar's report counts for nothing", async () => {
  const world = await new World().meshes();
  const cp = await world.controlPlane({ awaitProbes: true });
  const join = new Join(cp, new Stream("redis-1", "i1", definitionOf("redis-1", 9000, { probed: true })));
  await join.settled;
  const { proxy } = join.stream;
  assert.deepEqual((await world.record("redis-1"))?.notReady, [9000]);
  await cp.presence.report(proxy, "i0", { notReady: [], probed: [9000], draining: false });
  assert.deepEqual((await world.record("redis-1"))?.notReady, [9000]);
  await cp.presence.report(proxy, undefined, { notReady: [], probed: [9000], draining: false });
  assert.deepEqual((await world.record("redis-1"))?.notReady, []);
  const revision = await world.store.revision();
  await cp.presence.report(proxy, "i1", { notReady: [], probed: [9000], draining: false });
  assert.equal(await world.store.revision(), revision);
  await cp.stop();
});

test("a report says whether it had an effect, and costs nothing when it says nothing new", async () => {
  const world = await new World().meshes();
  const cp = await world.controlPlane({ awaitProbes: true });
  const proxy = { mesh: "default", name: "redis-1" };
  const good = { notReady: [], probed: [9000], draining: false };
  assert.equal(await cp.presence.report(proxy, undefined, good), false, "there is no such proxy");
  const join = new Join(cp, new Stream(proxy, "i1", definitionOf("redis-1", 9000, { probed: true })));
  await join.settled;
  assert.equal(await cp.presence.report(proxy, "i0", good), false);
  assert.equal(await cp.presence.report(proxy, "i1", good), true);
  const revision = await world.store.revision();
  for (let i = 0; i < 3; i++) assert.equal(await cp.presence.report(proxy, undefined, good), true);
  assert.equal(await world.store.revision(), revision);
  join.close();
  await world.clock.settle();
  assert.equal(await cp.presence.report(proxy, "i1", { ...good, notReady: [9000] }), false, "its stream is gone");
  assert.deepEqual((await world.record("redis-1"))?.notReady, []);
  await cp.stop();
});

test("probes: a sidecar that comes back with its stream's word is never served on what was true before", async () => {
  const world = await new World().meshes();
  const cp = await world.controlPlane({ awaitProbes: true });
  const definition = definitionOf("redis-1", 9000, { probed: true });
  const stream = (health: SidecarHealth) => Object.assign(new Stream("redis-1", "i1", definition), { health });
  const first = new Join(cp, stream({ sequence: 2, notReady: [], probed: [9000] }));
  await first.settled;
  assert.deepEqual((await world.record("redis-1"))?.notReady, []);
  first.close();
  await world.clock.settle();
  const second = new Join(cp, stream({ sequence: 3, notReady: [9000], probed: [9000] }));
  await second.settled;
  assert.deepEqual((await world.record("redis-1"))?.notReady, [9000]);
  await cp.stop();
});

test("a stock sidecar whose Envoy drains is leaving, and its end is no loss", async () => {
  const world = await new World().meshes();
  const cp = await world.controlPlane();
  const join = new Join(cp, direct("stream-1"));
  await join.settled;
  await cp.presence.report(join.stream.proxy, undefined, { notReady: [9000], probed: [9000], draining: true });
  const record = await world.record("redis-1");
  assert.deepEqual([record?.state, record?.endpoints], ["leaving", "withdrawn"]);
  join.close();
  await world.clock.settle();
  assert.equal(await world.dataplane("redis-1"), undefined);
  assert.deepEqual(world.said("lost"), []);
  await cp.stop();
});

test("a stream that ends while its place is made ready is lost, not forgotten", async () => {
  const world = await new World().meshes();
  const cp = await world.controlPlane();
  const join = new Join(cp, direct());
  join.stream.abort();
  await join.settled;
  await world.clock.settle();
  assert.equal(join.state, "refused");
  const record = await world.record("redis-1");
  assert.ok(record === undefined || record.state === "lost");
  assert.deepEqual(world.said("refused"), []);
  await cp.stop();
});

test("refused: no mesh, a definition for another, an invalid one; said once a minute, nothing is left behind", async () => {
  const world = await new World().meshes();
  const cp = await world.controlPlane();
  const invalid = definitionOf("redis-1", 0);
  const cases: readonly [Stream, RegExp][] = [
    [
      new Stream({ mesh: "nope", name: "redis-1" }, "i1", definitionOf("redis-1", 9000, { mesh: "nope" })),
      /mesh "nope" does not exist/,
    ],
    [new Stream("redis-1", "i1", definitionOf("redis-2", 9000)), /could not register proxy.*redis-2/],
    [new Stream("redis-1", "i1", invalid), /could not register proxy.*networking\.inbound\[0\]\.port/],
  ];
  for (const [stream, message] of cases) {
    const join = new Join(cp, stream);
    await join.settled;
    assert.match(join.error?.message ?? "joined", message);
    const retry = new Join(cp, new Stream(stream.proxy, "i2", stream.definition));
    await retry.settled;
    assert.match(retry.error?.message ?? "joined", message);
  }
  assert.equal(world.said("refused").length, 3);
  assert.match(
    world.said("refused")[0] ?? "",
    /^nope\/redis-1 refused mesh "nope" does not exist \(from 10\.0\.0\.1:40000\)$/,
  );
  assert.equal((await world.store.list("DataplanePresence")).total, 0);
  assert.equal((await world.store.list("Dataplane")).total, 0);
  await cp.stop();
});

test("a token that is not valid for the stored Dataplane changes nothing", async () => {
  const world = await new World().meshes();
  await world.store.put(definitionOf("redis-1", 9000, { service: "payments" }));
  const before = await world.dataplane("redis-1");
  const cp = await world.controlPlane();
  const stream = direct();
  stream.authenticate = async (dataplane) => {
    assert.equal(dataplane, before);
    throw new Error("the token is for redis, not payments");
  };
  const join = new Join(cp, stream);
  await join.settled;
  assert.equal(join.state, "refused");
  assert.equal(await world.dataplane("redis-1"), before);
  assert.equal(await world.record("redis-1"), undefined);
  await cp.stop();
});
