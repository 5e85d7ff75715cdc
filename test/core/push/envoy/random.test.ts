import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { dataplane } from "../../view/fixtures.ts";
import { EnvoyProcess, plainBootstrap } from "../../xds/envoy/envoy-process.ts";
import { fixedDns, TestEngine } from "../fixtures.ts";
import { applyRandomChange, createRandom, PROXIES } from "../random-mesh.ts";
import { AdsServer } from "./ads-server.ts";

const SEED = Number(process.env["SEED"] ?? Date.now() % 1_000_000);
const CHANGES = Number(process.env["CHANGES"] ?? 1000);
/** The name in the bootstrap of `plainBootstrap`. */
const ME = "web-1";
const NOBODY = { mesh: "default", name: "" };

interface ConfigDump {
  readonly configs?: readonly {
    readonly name?: string;
    /** Of a listener; one that is only draining has none. */
    readonly active_state?: unknown;
    readonly cluster?: { readonly name: string };
  }[];
}

for (const variant of ["sotw", "delta"] as const) {
  test(`a real Envoy accepts a random mesh and ${CHANGES} changes of it, ${variant} (SEED=${SEED})`, async () => {
    const random = createRandom(SEED);
    // Loopback addresses that no other test has, so that any port is free.
    const address = () => `127.${10 + random.below(200)}.${random.below(256)}.${1 + random.below(250)}`;
    const names = { "one.example": address() };
    const places = {
      addresses: [address(), address(), "one.example"],
      inboundPort: 20_080,
      outboundAddress: address(),
    };
    await using mine = new TestEngine({ resolve: fixedDns(names) });
    const { server, port } = await AdsServer.open(mine.engine);
    using _ = server;
    const [home = ""] = places.addresses;
    const outbound = ["s0", "s1"].map((service, index) => ({
      address: places.outboundAddress,
      port: 10_000 + index,
      tags: { "kuma.io/service": service },
    }));
    await mine.put(dataplane(ME, { address: home, outbound }));
    await using envoy = await EnvoyProcess.start(
      (directory) => plainBootstrap(variant, port, directory),
      ["--reject-unknown-dynamic-fields"],
    );
    const watcher = mine.watch(ME);
    for (let change = 1; change <= CHANGES; change++) {
      await applyRandomChange(mine.store, random, [ME, ME, ...PROXIES], places);
      if (random.chance(0.1)) await mine.engine.settled(await mine.store.revision());
      if (random.chance(0.05)) await reached(mine, random.pick(["s0", "s1", "s2", "s3"]));
    }
    await mine.put(dataplane(ME, { address: home, inbound: [{ service: "s0", port: 20_080 }], outbound }));
    await reached(mine, "s0");
    await settledAt(envoy, "dynamic_active_clusters", watcher.names("cluster"));
    await settledAt(envoy, "dynamic_listeners", watcher.names("listener"));
    assert.deepEqual(server.nacks, [], `SEED=${SEED}`);
    assert.equal(envoy.exited, false);
    assert.doesNotMatch(await envoy.log(), /unknown field|deprecated/i);
  });
}

/** Waits until the proxy acknowledged the endpoints of everything so far. */
async function reached(mine: TestEngine, service: string): Promise<void> {
  const signal = AbortSignal.timeout(20_000);
  const revision = await mine.store.revision();
  const { missing } = await mine.engine.waitFor("default", [service], revision, { except: NOBODY, signal });
  assert.deepEqual(missing, [], "acknowledged within 20 s");
}

/** Waits until Envoy has exactly these clusters or listeners: what is no longer needed goes last. */
async function settledAt(envoy: EnvoyProcess, part: string, expected: readonly string[]): Promise<void> {
  let names: string[] = [];
  for (const until = Date.now() + 20_000; Date.now() < until; await sleep(20)) {
    const dump = JSON.parse(await envoy.admin(`/config_dump?resource=${part}`)) as ConfigDump;
    const active = (dump.configs ?? []).filter((each) => each.cluster || each.active_state);
    names = active.map(({ name, cluster }) => name ?? cluster?.name ?? "").sort();
    if (names.join() === expected.join()) return;
  }
  assert.deepEqual(names, expected);
}
