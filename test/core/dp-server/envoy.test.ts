import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { askUntil, freePort, startBackend } from "../xds/envoy/backend.ts";
import { EnvoyProcess } from "../xds/envoy/envoy-process.ts";
import { cluster, endpoints, listener, route, snapshotOf } from "../xds/envoy/resources.ts";
import { bootstrap, kumaDpRequest } from "./http-client.ts";
import { ServerBench } from "./server-bench.ts";

/** Starts Envoy as a stock kuma-dp would: with the bootstrap it gets, straight to the control plane. */
async function startStock(bench: ServerBench, features: readonly string[]): Promise<EnvoyProcess> {
  const envoy = await EnvoyProcess.start(async (workdir) => {
    const reply = await bootstrap(bench, kumaDpRequest({ workdir, features }));
    assert.equal(reply.status, 200, reply.body);
    const { bootstrap: encoded } = JSON.parse(reply.body) as { bootstrap: string };
    return JSON.parse(Buffer.from(encoded, "base64").toString());
  });
  return envoy.useAdminSocket("kuma-envoy-admin.sock");
}

async function until(condition: () => boolean, ms: number): Promise<void> {
  for (const end = Date.now() + ms; Date.now() < end && !condition(); ) await sleep(20);
  assert.ok(condition());
}

describe("a stock Envoy on the DP server", { timeout: 60_000 }, () => {
  for (const features of [[], ["feature-delta-grpc"]]) {
    it(`boots, verifies the certificate, authenticates and serves ${features.join("")}`, async () => {
      await using bench = await ServerBench.open();
      using backend = await startBackend("ok");
      const port = await freePort();
      const resources = [cluster("a"), endpoints("a", [backend.port]), listener("l", port, "r"), route("r", "a")];
      bench.push("redis", snapshotOf(1, resources));
      await using envoy = await startStock(bench, features);
      await askUntil(port, "ok");
      assert.equal(bench.leases.length, 1);
      const [lease] = bench.leases;
      assert.match(lease?.stream.incarnation ?? "", /^[0-9a-f-]{36}$/);
      assert.equal(lease?.stream.definition?.name, "redis");
      assert.match(await envoy.admin("/ready"), /^LIVE/);
      const dump = await envoy.admin("/config_dump?include_eds");
      assert.match(dump, /"re2\.max_program_size\.error_level": 4294967295/);
      const complaints = (await envoy.log())
        .split("\n")
        .filter((line) => line && !line.includes("downstream connections"));
      assert.deepEqual(complaints, [], "Kuma's bootstrap sets no limit of connections either");
    });
  }

  it("is noticed within 16 s when it freezes, and comes back when it thaws", async () => {
    await using bench = await ServerBench.open();
    bench.push("redis", snapshotOf(1, []));
    await using envoy = await startStock(bench, []);
    await until(() => bench.acks.includes("redis listener 1"), 10_000);
    const startedAt = Date.now();
    envoy.signal("SIGSTOP");
    await until(() => bench.leases[0]?.closed !== undefined, 20_000);
    const took = Date.now() - startedAt;
    assert.ok(took < 16_500, `${took} ms`);
    assert.equal(bench.leases[0]?.closed, "the connection ended");
    envoy.signal("SIGCONT");
    await until(() => bench.leases.length === 2, 10_000);
    assert.equal(bench.leases[1]?.stream.incarnation, bench.leases[0]?.stream.incarnation);
  });
});
