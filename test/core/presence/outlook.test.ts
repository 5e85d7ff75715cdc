import assert from "node:assert/strict";
import { test } from "node:test";
import { definitionOf, HOUR, Join, MINUTE, SECOND, Stream, World } from "./world.ts";

test("what will become of a proxy: offline, then deleted, on the wall clock of now", async () => {
  const world = await new World().meshes();
  const cp = await world.controlPlane();
  const outlook = async () => {
    const record = await world.record("redis-1");
    assert.ok(record);
    return cp.presence.outlook(record);
  };
  const join = new Join(cp, new Stream("redis-1", "i1", definitionOf("redis-1", 9000)));
  await join.settled;
  await world.clock.advance(10 * MINUTE);
  assert.deepEqual(await outlook(), { lastSeen: world.clock.now(), offlineAt: undefined, deletedAt: undefined });
  join.close();
  await world.clock.advance(SECOND);
  const lostAt = world.clock.now() - SECOND;
  assert.deepEqual(await outlook(), {
    lastSeen: lostAt,
    offlineAt: lostAt + 5 * MINUTE,
    deletedAt: lostAt + 72 * HOUR,
  });
  await world.clock.advance(6 * MINUTE);
  assert.equal((await world.record("redis-1"))?.state, "offline");
  assert.deepEqual(await outlook(), { lastSeen: lostAt, offlineAt: undefined, deletedAt: lostAt + 72 * HOUR });
  await cp.stop();
});
