import assert from "node:assert/strict";
import { it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { create, toBinary } from "@bufbuild/protobuf";
import { DeltaDiscoveryRequestSchema } from "#envoy/service/discovery/v3/discovery_pb.js";
import { TYPE_URL } from "../../../core/envoy/encoded-resource.ts";
import { type Clock, systemClock } from "../../../core/kernel/clock.ts";
import { STALL_MS } from "../../../core/xds/ads-stream.ts";
import { GrpcStream } from "../../bench/engine/grpc-stream.ts";
import { until } from "../../support/until.ts";
import { makeSnapshot } from "../xds/fixtures.ts";
import { definition } from "./http-client.ts";
import { ServerBench } from "./server-bench.ts";

const PATH = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources";

/** The real clock, but long waits end when the test says so. */
class SkippingClock implements Clock {
  readonly #waits = new Set<{ readonly at: number; readonly run: () => void }>();
  #skipped = 0;
  readonly now = () => systemClock.now() + this.#skipped;
  readonly monotonic = () => systemClock.monotonic() + this.#skipped;
  readonly sleep = systemClock.sleep;

  after(ms: number, run: () => void): Disposable {
    if (ms < STALL_MS / 2) return systemClock.after(ms, run);
    const wait = { at: this.monotonic() + ms, run };
    this.#waits.add(wait);
    return { [Symbol.dispose]: () => void this.#waits.delete(wait) };
  }

  skip(ms: number): void {
    this.#skipped += ms;
    for (const wait of this.#waits) {
      if (wait.at > this.monotonic()) continue;
      this.#waits.delete(wait);
      wait.run();
    }
  }
}

/** Opens a stream that asks for clusters; `messages` grows with what comes. */
function join(bench: ServerBench, name: string) {
  const ended = Promise.withResolvers<string>();
  const seen = { messages: 0, stream: undefined as unknown as GrpcStream, ended: ended.promise };
  seen.stream = new GrpcStream({
    host: "127.0.0.1",
    port: bench.port,
    path: PATH,
    authorization: `for:${name}`,
    onMessage: () => void seen.messages++,
    onEnd: ended.resolve,
  });
  const metadata = { "dataplane.resource": JSON.stringify(definition(name)) };
  const request = { node: { id: `default.${name}`, cluster: name, metadata }, typeUrl: TYPE_URL.cluster };
  seen.stream.send(toBinary(DeltaDiscoveryRequestSchema, create(DeltaDiscoveryRequestSchema, request)));
  return seen;
}

it("a client whose socket is full costs what fits in it, delays nobody, and is cut off after 30 s", async () => {
  const clock = new SkippingClock();
  await using bench = await ServerBench.open({}, {}, clock);
  const sent = (name: string) => bench.insight.filter((line) => line === `${name} sent cluster`).length;
  // 60 MB: far more than both kernels hold for one connection.
  const large = Object.fromEntries(Array.from({ length: 1000 }, (_, at) => [`cluster-${at}`, "1"]));
  bench.push("redis", makeSnapshot(1, { cluster: large }, undefined, 60_000));
  bench.push("web", makeSnapshot(1, { cluster: { a: "1" } }));
  const stuck = join(bench, "redis");
  await until(() => sent("redis") > 0, "redis is sent clusters", 10_000);
  stuck.stream.pause();
  let before = -1;
  while (sent("redis") !== before) {
    before = sent("redis");
    await sleep(300);
  }
  assert.ok(before < 500, `${before} of 1000 messages of 60 KB were taken for a client that reads nothing`);

  const reader = join(bench, "web");
  await until(() => reader.messages === 1, "the reader has its message", 10_000);
  bench.push("redis", makeSnapshot(2, { cluster: { other: "2" } }));
  assert.equal(sent("redis"), before);

  assert.equal(bench.leases.find(({ stream }) => stream.proxy.name === "redis")?.closed, undefined);
  clock.skip(STALL_MS + 1000);
  const cutOff = () => bench.leases.some(({ closed }) => closed?.includes("the proxy has read nothing for 30 s"));
  await until(cutOff, "who reads nothing is cut off", 10_000);
  stuck.stream.destroy();
  assert.equal(bench.leases.find(({ stream }) => stream.proxy.name === "web")?.closed, undefined);
  reader.stream.destroy();
});
