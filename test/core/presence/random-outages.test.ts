import assert from "node:assert/strict";
import { test } from "node:test";
import { FragileWorld } from "./fragile-world.ts";
import { randomOf } from "./random-sequence.ts";
import { type ControlPlane, definitionOf, Join, SECOND, Stream } from "./world.ts";

/*
 * Sidecars come and go at two control planes while their store takes no writes now and then. Whatever happened: once it
 * does again, each proxy that has a stream has exactly one active, and the record says which.
 */

const COUNT = Number(process.env["MONOMESH_TEST_SEQUENCES"] ?? 200);
const FIRST = Number(process.env["MONOMESH_TEST_SEED"] ?? Math.floor(Math.random() * 1_000_000_000));
const NAMES = ["redis-1", "redis-2"];
const STEPS = [0, 100, SECOND, 3 * SECOND];

interface Live {
  readonly name: string;
  readonly join: Join;
  readonly at: ControlPlane;
}

async function play(seed: number): Promise<void> {
  const random = randomOf(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random(list.length))] as T;
  const history: string[] = [];
  const world = await new FragileWorld().meshes();
  const planes = [await world.controlPlane(), await world.controlPlane()];
  world.jitter = () => (random(1) < 0.2 ? Math.floor(random(4)) : 0);
  let joins: Live[] = [];
  const open = () => joins.filter(({ join }) => !join.stream.signal.aborted && join.state !== "refused");
  try {
    for (let step = 0; step < 25; step++) {
      const dice = random(1);
      if (dice < 0.45) {
        const [name, at, incarnation] = [pick(NAMES), pick(planes), pick(["i1", "i2", "i3"])];
        const port = 9000 + NAMES.indexOf(name);
        // One Envoy has one stream: the older one of the same incarnation is broken by then.
        const stream = new Stream(name, incarnation, definitionOf(name, port), `10.0.0.${incarnation.slice(1)}:1`);
        joins.push({ name, at, join: new Join(at, stream) });
        history.push(`${name} ${incarnation} opens at ${at.instance}`);
      } else if (dice < 0.65 && open().length > 0) {
        const { name, join, at } = pick(open());
        join.close();
        history.push(`${name} ${join.stream.incarnation} ends at ${at.instance}`);
      } else if (dice < 0.8) {
        world.readOnly = !world.readOnly;
        history.push(world.readOnly ? "no writes" : "writes again");
      } else {
        const time = pick(STEPS);
        await world.clock.advance(time);
        history.push(`${time} ms`);
      }
    }
    world.readOnly = false;
    await world.clock.advance(15 * SECOND);
    joins = open();
    for (const name of NAMES) {
      const own = joins.filter((each) => each.name === name);
      const active = own.filter(({ join }) => join.state === "active");
      const record = await world.record(name);
      assert.equal(active.length, own.length > 0 ? 1 : 0, `${name}: ${own.map(({ join }) => join.state)}`);
      assert.equal(record?.open ?? false, active.length === 1, `${name} is ${record?.state}`);
      if (!active[0]) continue;
      const { at, join } = active[0];
      assert.deepEqual([record?.instance, record?.incarnation], [at.instance, join.stream.incarnation], name);
      assert.equal(record?.state, "connected");
    }
  } catch (error) {
    throw new Error(`seed ${seed}: ${(error as Error).message}\n  ${history.join("\n  ")}`, { cause: error });
  } finally {
    await Promise.all(planes.map((plane) => plane.stop()));
  }
}

test(`${COUNT} random outages from seed ${FIRST} leave every proxy with one place (MONOMESH_TEST_SEED repeats them)`, async () => {
  for (let seed = FIRST; seed < FIRST + COUNT; seed++) await play(seed);
});
