import assert from "node:assert/strict";
import { join as joinPath } from "node:path";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { ResourceStore } from "../../../core/store/resource-store.ts";
import { openStore, tempDir } from "../../plugins/store-sqlite/support.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { type ControlPlane, definitionOf, HOUR, Join, MINUTE, SECOND, Stream, World, YEAR } from "./world.ts";

/** A clock that also waits for a store that answers in its own time. */
class PatientClock extends ManualClock {
  #pending = 0;

  override async settle(): Promise<void> {
    for (let quiet = 0; quiet < 5; quiet++) {
      if (this.#pending > 0) quiet = 0;
      await turn();
    }
  }

  follow(store: ResourceStore): ResourceStore {
    return new Proxy(store, {
      get: (target, property) => {
        const value = Reflect.get(target, property) as unknown;
        if (typeof value !== "function") return value;
        if (property === "watch") return value.bind(target);
        return async (...args: unknown[]) => {
          this.#pending++;
          try {
            return await (value as (...given: unknown[]) => unknown).apply(target, args);
          } finally {
            this.#pending--;
          }
        };
      },
    });
  }
}

const SETTINGS = { cleanupAgeMs: 2 * HOUR };

/** 13 proxies of one mesh, through four lives of its control plane over one file. */
test("SQLite, control planes that are killed, 100 hours without one, a clock that jumps, half of the mesh lost: nothing is deleted too early", async (t) => {
  const path = joinPath(tempDir(t), "store.db");
  const clock = new PatientClock();
  const names = Array.from({ length: 12 }, (_, at) => `web-${at}`);
  const lost = names.slice(0, 7);
  const kept = names.slice(7);

  let lives = 0;
  const life = async (play: (world: World, cp: ControlPlane) => Promise<void>) => {
    const store = await openStore(t, path);
    const world = new World(clock, clock.follow(store));
    if ((await store.list("Mesh")).total === 0) await world.meshes();
    const cp = await world.controlPlane(SETTINGS, `cp-${++lives}`);
    await play(world, cp);
    await cp.crash();
    await store.close();
  };
  const join = async (cp: ControlPlane, name: string): Promise<Join> => {
    const joined = new Join(cp, new Stream(name, `${name}-a`, definitionOf(name, 9000 + names.indexOf(name))));
    await joined.settled;
    assert.equal(joined.state, "active", joined.error?.message);
    return joined;
  };
  const states = async (world: World, of: readonly string[]) =>
    new Set(
      await Promise.all(
        of.map(async (name) => {
          assert.ok(await world.dataplane(name), `${name} was deleted`);
          const record = await world.record(name);
          return `${record?.state} ${record?.endpoints}`;
        }),
      ),
    );

  await life(async (world, cp) => {
    for (const name of [...names, "gone"]) await join(cp, name).then((joined) => name === "gone" && joined.close());
    await clock.advance(10 * MINUTE);
    assert.deepEqual(await states(world, ["gone"]), new Set(["offline degraded"]));
  });
  await clock.advance(100 * HOUR);
  clock.jump(50 * YEAR);
  await life(async (world, cp) => {
    const joins = new Map<string, Join>();
    for (const name of names) joins.set(name, await join(cp, name));
    for (const name of lost) joins.get(name)?.close();
    for (const name of kept.slice(0, 4)) joins.get(name)?.close();
    await clock.advance(SECOND);
    assert.deepEqual(await states(world, [...lost, ...kept.slice(0, 4)]), new Set(["lost healthy"]));
    assert.deepEqual(await states(world, ["gone"]), new Set(["offline degraded"]));
  });
  clock.jump(-100 * YEAR);
  await life(async (world, cp) => {
    for (const name of kept) await join(cp, name);
    await clock.advance(6 * MINUTE);
    assert.deepEqual(await states(world, lost), new Set(["offline degraded"]));
    assert.deepEqual(await states(world, kept), new Set(["connected healthy"]));
  });
  await life(async (world, cp) => {
    for (const name of kept) await join(cp, name);
    await clock.advance(HOUR + 30 * MINUTE);
    assert.deepEqual(await states(world, [...lost, "gone"]), new Set(["offline degraded"]));
    await clock.advance(HOUR);
    for (const name of [...lost, "gone"])
      assert.equal(await world.dataplane(name), undefined, `${name} is still there`);
    assert.deepEqual(await states(world, kept), new Set(["connected healthy"]));
  });
});
