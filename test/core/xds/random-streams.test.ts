import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SeenResponse } from "./fixtures.ts";
import { ModelEnvoy } from "./model-envoy.ts";
import { StreamBench } from "./stream-bench.ts";

const RUNS = 300;
const STEPS = 60;

type Mutable = Record<"cluster" | "endpoint" | "listener" | "route", Record<string, string>>;

/** A small generator with a seed (mulberry32). */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** A picture that hangs together: the route leads to one of its clusters, each cluster has its assignment. */
function nextPicture(picture: Mutable, random: (below: number) => number, step: number): Mutable {
  const next = structuredClone(picture);
  const name = `c${random(6)}`;
  switch (random(5)) {
    case 0:
      next.cluster[name] ??= "1";
      next.endpoint[name] ??= "1";
      break;
    case 1:
      if (next.cluster[name]) next.cluster[name] = `${step}`;
      break;
    case 2:
      if (next.endpoint[name]) next.endpoint[name] = `${random(4)}`;
      break;
    case 3:
      if (random(2)) next.listener[`l${random(3)}`] = `${step}`;
      else delete next.listener[`l${random(3)}`];
      break;
    default:
      if (next.route["r"] !== name) {
        delete next.cluster[name];
        delete next.endpoint[name];
      }
  }
  const clusters = Object.keys(next.cluster);
  if (random(3) === 0) next.route["r"] = clusters[random(clusters.length)] ?? "c0";
  return next;
}

interface Run {
  readonly variant: "sotw" | "delta";
  readonly seed: number;
  /** One response of so many is refused; 0: none. */
  readonly refusals: number;
  readonly reconnects: boolean;
}

function run({ variant, seed, refusals, reconnects }: Run): void {
  const random = randomOf(seed);
  let calm = false;
  const mood = {
    refuses: ({ resources }: SeenResponse) => !calm && refusals > 0 && resources.length > 0 && random(refusals) === 0,
  };
  let picture: Mutable = { cluster: { c0: "1" }, endpoint: { c0: "1" }, listener: { l0: "1" }, route: { r: "c0" } };
  let bench = new StreamBench(variant);
  let envoy = new ModelEnvoy(bench, mood);
  let revision = 1;
  bench.update(revision, picture);
  for (let step = 0; step < STEPS; step++) {
    const chance = random(12);
    if (chance < 4) {
      picture = nextPicture(picture, random, step);
      bench.update(++revision, picture);
    } else if (chance < 7) envoy.read();
    else if (chance < 9) envoy.answer();
    else if (chance === 9) bench.clock.advance(random(400));
    else if (chance === 10) bench.block();
    else if (reconnects && random(4) === 0) {
      bench.stream.close();
      bench = new StreamBench(variant);
      envoy = new ModelEnvoy(bench, mood, envoy.held);
      bench.update(++revision, picture);
    } else bench.unblock();
  }
  calm = true;
  const settle = () => {
    bench.unblock();
    for (let quiet = 0; quiet < 8; ) {
      if (envoy.read() || envoy.answer()) quiet = 0;
      else {
        quiet++;
        bench.clock.advance(2500);
      }
    }
  };
  settle();
  if (refusals > 0) {
    // What was refused alone waits for new content.
    for (const map of [picture.cluster, picture.endpoint, picture.listener]) for (const name in map) map[name] += "'";
    picture.listener["l9"] = "1";
    picture.cluster["c9"] = picture.endpoint["c9"] = "1";
    picture.route["r"] = "c9";
    bench.update(++revision, picture);
    settle();
  }
  const what = `${variant}, seed ${seed}`;
  envoy.assertHolds(picture, what);
  assert.deepEqual(bench.cuts, [], what);
  for (const type of ["cluster", "endpoint", "listener", "route"] as const)
    assert.ok(bench.reportsNewest(type), `${what}: ${type} is not reported`);
  if (refusals === 0) assert.equal(envoy.broken, undefined, what);
}

describe("random streams against a model of Envoy", () => {
  for (const variant of ["sotw", "delta"] as const) {
    it(`${variant}: ends with the newest picture, and no route ever leads to a cluster that is not there`, () => {
      for (let seed = 1; seed <= RUNS; seed++) run({ variant, seed, refusals: 0, reconnects: false });
    });

    it(`${variant}: ends with the newest picture after refusals and reconnects`, () => {
      for (let seed = 1; seed <= RUNS; seed++) run({ variant, seed, refusals: 6, reconnects: true });
    });
  }

  it("delta: breaks nothing when Envoy comes back with what it has", () => {
    for (let seed = 1; seed <= RUNS; seed++) run({ variant: "delta", seed, refusals: 0, reconnects: true });
  });
});
