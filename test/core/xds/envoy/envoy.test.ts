import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { loadServerIdentity } from "../../../../core/ca/server-identity.ts";
import { resourceNamedIn } from "../../../../core/insight/config-status.ts";
import { systemClock } from "../../../../core/kernel/clock.ts";
import { silentLogger } from "../../../../core/kernel/log.ts";
import { REMOVAL_DELAY_MS } from "../../../../core/xds/make-before-break.ts";
import { createMemoryStore } from "../../../../plugins/store-memory/memory-store.ts";
import { AdsBench } from "./ads-bench.ts";
import { askUntil, freePort, startBackend, startLoad } from "./backend.ts";
import { EnvoyProcess, plainBootstrap } from "./envoy-process.ts";
import { cluster, endpoints, listener, route, secret } from "./resources.ts";

for (const variant of ["sotw", "delta"] as const) {
  const start = (bench: AdsBench) => EnvoyProcess.start((directory) => plainBootstrap(variant, bench.port, directory));

  describe(`a real Envoy, ${variant}`, { timeout: 120_000 }, () => {
    it("serves a request that goes through CDS, EDS, SDS, LDS and RDS, in that order", async () => {
      const workDir = await mkdtemp(join(tmpdir(), "identity-"));
      const options = { store: createMemoryStore(), workDir, hosts: [], clock: systemClock, log: silentLogger };
      const { identity, certificate } = await loadServerIdentity(options);
      await rm(workDir, { recursive: true });
      using backend = await startBackend("over TLS", { cert: identity.chain, key: identity.key });
      const port = await freePort();
      using bench = await AdsBench.open(variant, [
        cluster("a", { secret: "ca" }),
        endpoints("a", [backend.port]),
        secret("ca", certificate),
        listener("l", port, "r"),
        route("r", "a"),
      ]);
      await using envoy = await start(bench);
      await askUntil(port, "over TLS");
      assert.equal(envoy.exited, false);
      const order = bench.sent.map((each) => each.slice(0, each.indexOf("[")));
      assert.deepEqual([order[0], ...order.slice(-2)], ["cluster", "listener", "route"]);
      assert.deepEqual(order.slice(1, -2).sort(), ["endpoint", "secret"]);
      assert.equal(bench.streams[0]?.node.id, "default.web-1");
      assert.equal(bench.streams[0]?.node.userAgentVersion, "1.40.0");
      assert.equal(bench.streams.length, 1);
    });

    it("gets changed endpoints at once", async (test) => {
      using one = await startBackend("one");
      using two = await startBackend("two");
      const port = await freePort();
      const fixed = [cluster("a"), listener("l", port, "r"), route("r", "a")];
      using bench = await AdsBench.open(variant, [...fixed, endpoints("a", [one.port])]);
      await using _envoy = await start(bench);
      await askUntil(port, "one");
      bench.push([...fixed, endpoints("a", [two.port])]);
      await bench.reached("endpoint");
      await askUntil(port, "two");
      const times: number[] = [];
      for (let i = 0; i < 200; i++) {
        const startedAt = performance.now();
        bench.push([...fixed, endpoints("a", i % 2 ? [two.port] : [one.port])]);
        await bench.reached("endpoint");
        times.push(performance.now() - startedAt);
        await sleep(1);
      }
      times.sort((a, b) => a - b);
      const [p50 = 0, p99 = 0] = [times[100], times[198]];
      test.diagnostic(`endpoint change to ACK: p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms`);
      assert.ok(p50 < 20, `${p50} ms`);
      assert.ok(
        bench.sent.slice(10).every((each) => each === "endpoint[a]"),
        "nothing else was sent",
      );
    });

    it("swaps clusters under load without a failed request", async (test) => {
      using backend = await startBackend("ok");
      const port = await freePort();
      const picture = (name: string) => [
        cluster(name),
        endpoints(name, [backend.port]),
        listener("l", port, "r"),
        route("r", name),
      ];
      using bench = await AdsBench.open(variant, picture("c0"));
      await using envoy = await start(bench);
      await askUntil(port, "ok");
      await using load = startLoad(port, /^ok$/);
      for (let i = 1; i <= 10; i++) {
        bench.push(picture(`c${i}`));
        await bench.reached("route");
        await sleep(20);
      }
      await sleep(REMOVAL_DELAY_MS + 500);
      const { total, bad } = await load.stop();
      test.diagnostic(`${total} requests, ${bad.length} failed`);
      assert.deepEqual(bad, []);
      assert.ok(total > 200, `${total}`);
      const clusters = await envoy.admin("/clusters");
      assert.match(clusters, /^c10::/m);
      assert.doesNotMatch(clusters, /^c[0-9]::/m);
    });

    it("warms a changed cluster without waiting for its endpoints, also beside a new one", async () => {
      using backend = await startBackend("ok");
      const port = await freePort();
      const picture = (timeout: string, more: readonly string[]) => [
        ...["a", ...more].flatMap((name) => [
          cluster(name, { connectTimeout: timeout }),
          endpoints(name, [backend.port]),
        ]),
        listener("l", port, "r"),
        route("r", "a"),
      ];
      using bench = await AdsBench.open(variant, picture("5s", []));
      await using _envoy = await start(bench);
      await askUntil(port, "ok");
      for (const [timeout, more] of [
        ["6s", []],
        ["7s", ["b"]],
        ["7s", ["b", "c"]],
        ["8s", ["c", "d"]],
      ] as const) {
        const startedAt = performance.now();
        bench.push(picture(timeout, more));
        await bench.reached("cluster");
        const took = performance.now() - startedAt;
        assert.ok(took < 1000, `${took} ms for ${timeout} and ${more.join(" ")}`);
      }
      assert.ok(
        bench.answers.every((each) => each.startsWith("ack")),
        bench.answers.join(", "),
      );
    });

    it("refuses a bad listener with a message while the good ones serve, and takes its correction", async () => {
      using backend = await startBackend("ok");
      const [port, badPort] = [await freePort(), await freePort()];
      const base = [cluster("a"), endpoints("a", [backend.port]), listener("good", port, "r"), route("r", "a")];
      using bench = await AdsBench.open(variant, base);
      await using _envoy = await start(bench);
      await askUntil(port, "ok");
      await using load = startLoad(port, /^ok$/);
      bench.push([...base, listener("bad", badPort, "r", "no.such.filter")]);
      await bench.answered("nack listener");
      const nack = bench.answers.find((each) => each.startsWith("nack")) ?? "";
      assert.match(nack, /bad.*no\.such\.filter/s);
      assert.equal(resourceNamedIn(nack.replace("nack listener: ", "")), "bad", nack);
      const count = bench.sent.length;
      await sleep(300);
      assert.equal(bench.sent.length, count, "the same content is not sent again");
      bench.push([...base, listener("bad", badPort, "r")]);
      await bench.reached("listener");
      await askUntil(badPort, "ok");
      assert.deepEqual((await load.stop()).bad, []);
    });

    it("comes back to a restarted control plane without a gap; with delta only differences travel", async () => {
      using backend = await startBackend("ok");
      const port = await freePort();
      const names = Array.from({ length: 50 }, (_, i) => `s${i}`);
      const picture = (over: Readonly<Record<string, readonly number[]>>, removed: readonly string[]) => [
        ...names
          .filter((name) => !removed.includes(name))
          .flatMap((name) => [cluster(name), endpoints(name, over[name] ?? [backend.port])]),
        listener("l", port, "r"),
        route("r", "s0"),
      ];
      using bench = await AdsBench.open(variant, picture({}, []));
      await using envoy = await start(bench);
      await askUntil(port, "ok");
      await using load = startLoad(port, /^ok$/);
      const full = bench.bytes;
      bench.close();
      bench.push(picture({ s1: [backend.port, backend.port] }, ["s2"]));
      bench.sent.length = 0;
      bench.bytes = 0;
      await bench.listen();
      await bench.reached("endpoint");
      await bench.reached("route");
      await sleep(REMOVAL_DELAY_MS + 300);
      if (variant === "delta") {
        assert.deepEqual(bench.sent.toSorted(), ["cluster[]", "cluster[]", "endpoint[s1]", "listener[]"].toSorted());
        assert.ok(bench.bytes < full / 10, `${bench.bytes} of ${full} bytes`);
      } else {
        const left = names.filter((name) => name !== "s2").toSorted();
        assert.ok(bench.sent.some((each) => each.startsWith(`cluster[${left.join(" ")}`)));
      }
      assert.doesNotMatch(await envoy.admin("/clusters"), /^s2::/m);
      assert.deepEqual((await load.stop()).bad, []);
    });

    it("starts with nothing, and with a cluster whose endpoints come later", async () => {
      using backend = await startBackend("ok");
      const port = await freePort();
      using bench = await AdsBench.open(variant, []);
      await using envoy = await start(bench);
      for (let i = 0; i < 300 && !(await envoy.admin("/ready").catch(() => "")).startsWith("LIVE"); i++)
        await sleep(20);
      assert.match(await envoy.admin("/ready"), /^LIVE/);
      bench.push([cluster("a"), listener("l", port, "r"), route("r", "a")]);
      await sleep(200);
      bench.push([cluster("a"), endpoints("a", [backend.port]), listener("l", port, "r"), route("r", "a")]);
      await askUntil(port, "ok");
    });
  });
}
