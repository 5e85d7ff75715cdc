import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:http2";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { create, toBinary } from "@bufbuild/protobuf";
import { DeltaDiscoveryRequestSchema } from "#envoy/service/discovery/v3/discovery_pb.js";
import { TYPE_URL, type XdsType } from "../../../core/envoy/encoded-resource.ts";
import { MeshError } from "../../../core/kernel/errors.ts";
import { until } from "../../support/until.ts";
import { deltaRequest, makeSnapshot } from "../xds/fixtures.ts";
import { definition } from "./http-client.ts";
import { RawClient } from "./raw-client.ts";
import { dataplaneDraft, ServerBench } from "./server-bench.ts";

const DELTA = "DeltaAggregatedResources";

interface Hello {
  readonly id?: string;
  readonly type?: XdsType;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** The first request of a Direct sidecar. */
function hello({ id = "default.redis", type = "cluster", metadata }: Hello = {}): Uint8Array {
  const direct = { "dataplane.resource": JSON.stringify(definition(id.slice("default.".length))) };
  const node = { id, cluster: "redis", metadata: { ...(metadata ?? direct) } };
  return toBinary(DeltaDiscoveryRequestSchema, create(DeltaDiscoveryRequestSchema, { node, typeUrl: TYPE_URL[type] }));
}

describe("ADS over gRPC", () => {
  it("joins a Direct proxy, serves it, counts what it answers and lets it go", async () => {
    await using bench = await ServerBench.open();
    bench.push("redis", makeSnapshot(7, { cluster: { a: "1" } }));
    {
      using client = new RawClient(bench, DELTA, "for:redis");
      client.send(
        hello({
          metadata: { "dataplane.resource": JSON.stringify(definition("redis")), "monomesh.incarnation": "i-1" },
        }),
      );
      const response = await client.delta(0);
      assert.deepEqual(response.resources, ["a@1"]);
      assert.equal(response.controlPlane, "cp-1");
      client.send(deltaRequest("cluster", { nonce: response.nonce }));
      await until(() => bench.acks.includes("redis cluster 7"));
      assert.deepEqual(bench.insight, ["redis sent cluster", "redis ack cluster"]);
      const [lease] = bench.leases;
      assert.equal(lease?.stream.incarnation, "i-1");
      assert.equal(lease?.stream.definition?.name, "redis");
      bench.push("redis", makeSnapshot(8, { cluster: { a: "2" } }));
      const next = await client.delta(1);
      client.send(deltaRequest("cluster", { nonce: next.nonce, error: "a is bad" }));
      await until(() => bench.insight.includes("redis nack cluster: a is bad"));
    }
    await until(() => bench.leases[0]?.closed !== undefined);
    assert.equal(bench.subscribers("redis"), 0);
    assert.ok(bench.insight.includes("redis closed"));
    assert.ok(bench.acks.includes("redis closed"));
  });

  it("finds an Indirect proxy, authenticates it against what is stored, and mints an incarnation from the stream", async () => {
    await using bench = await ServerBench.open();
    await bench.store.put(dataplaneDraft("redis"));
    bench.push("redis", makeSnapshot(1, { cluster: { a: "1" } }));
    using client = new RawClient(bench, DELTA, "for:redis");
    client.send(hello({ metadata: {} }));
    await client.delta(0);
    assert.equal(bench.leases[0]?.stream.definition, undefined);
    assert.equal(bench.leases[0]?.stream.incarnation, bench.leases[0]?.stream.streamId);
  });

  it("refuses with status 2, a text that a person understands, and the code in a trailer", async () => {
    await using bench = await ServerBench.open();
    await bench.store.put(dataplaneDraft("billing"));
    const broken = JSON.stringify(definition("redis", { networking: { address: "not an address" } }));
    const cases: readonly [Hello, string | undefined, string, RegExp][] = [
      [{}, undefined, "MM301", /^the sidecar has no token \(MM301\)$/],
      [{}, "for:web", "MM311", /the token is for web, not redis/],
      [{}, "forged", "MM310", /signature/],
      [{ id: "default.billing", metadata: {} }, "for:redis", "MM311", /for redis, not billing/],
      [{ id: "default.ghost", metadata: {} }, "for:ghost", "MM404", /Dataplane default\.ghost does not exist/],
      [{ id: "nodot", metadata: {} }, "for:x", "MM700", /node id "nodot" is not of the form <mesh>\.<name>\. Start/],
      [{ id: ".ingress", metadata: {} }, "for:x", "MM700", /belongs to no mesh\. Zone ingress/],
      [
        { metadata: { "dataplane.resource": JSON.stringify(definition("web")) } },
        "for:web",
        "MM700",
        /says it is default\.redis, but its definition is of default\.web/,
      ],
      [{ metadata: { "dataplane.resource": broken } }, "for:redis", "MM104", /networking\.address: /],
    ];
    for (const [init, token, code, text] of cases) {
      using client = new RawClient(bench, DELTA, token);
      client.send(hello(init));
      const status = await client.status;
      assert.equal(status.code, 2, status.details);
      assert.match(status.details, text);
      assert.deepEqual(status.metadata.get("monomesh-code"), [code]);
    }
    assert.equal(bench.leases.length, 0);
    assert.equal((await bench.store.list("Dataplane")).total, 1);
  });

  it("logs a refusal once for all of Envoy's retries", async () => {
    await using bench = await ServerBench.open();
    for (let i = 0; i < 3; i++) {
      using client = new RawClient(bench, DELTA, "for:web");
      client.send(hello());
      await client.status;
    }
    assert.equal(bench.events.filter((each) => each.startsWith("refused")).length, 1);
  });

  it("answers what is the control plane's fault with status 14, so that our sidecar waits", async () => {
    await using bench = await ServerBench.open();
    bench.admit = async () => {
      throw new MeshError("MM503", "the store cannot be reached");
    };
    using client = new RawClient(bench, DELTA, "for:redis");
    client.send(hello());
    const status = await client.status;
    assert.equal(status.code, 14);
    assert.match(status.details, /store cannot be reached/);
  });

  it("refuses bytes that are no request, a first message without a node and a change of node", async () => {
    await using bench = await ServerBench.open();
    for (const [bytes, text] of [
      [Buffer.from("hello"), /not valid protobuf/],
      [deltaRequest("cluster"), /carries no node/],
    ] as const) {
      using client = new RawClient(bench, DELTA, "for:redis");
      client.send(bytes);
      assert.match((await client.status).details, text);
    }
    using client = new RawClient(bench, DELTA, "for:redis");
    bench.push("redis", makeSnapshot(1, { cluster: { a: "1" } }));
    client.send(hello());
    await client.delta(0);
    client.send(hello({ id: "default.web" }));
    assert.match(
      (await client.status).details,
      /opened by default\.redis, but now a message says that it is default\.web/,
    );
    await until(() => bench.leases[0]?.closed !== undefined);
  });

  it("lets a stream wait for its place without an answer, and forgets it when the proxy goes", async () => {
    await using bench = await ServerBench.open();
    let waiting: AbortSignal | undefined;
    bench.admit = (stream) => {
      waiting = stream.signal;
      return new Promise((_resolve, reject) => {
        stream.signal.addEventListener("abort", () => reject(new MeshError("MM700", "it went")));
      });
    };
    {
      using client = new RawClient(bench, DELTA, "for:redis");
      client.send(hello());
      client.send(deltaRequest("endpoint", { subscribe: ["a"] }));
      await until(() => waiting !== undefined);
      await sleep(100);
      assert.equal(client.responses.length, 0);
      assert.equal(waiting?.aborted, false);
    }
    await until(() => waiting?.aborted === true);
    assert.equal(bench.subscribers("redis"), 0);
  });

  it("gives a displaced stream no news, does not count its ACKs, and goes on when it has its place again", async () => {
    await using bench = await ServerBench.open();
    bench.push("redis", makeSnapshot(1, { cluster: { a: "1" } }));
    using client = new RawClient(bench, DELTA, "for:redis");
    client.send(hello());
    const first = await client.delta(0);
    const [lease] = bench.leases;
    lease?.setActive(false);
    assert.equal(bench.subscribers("redis"), 0);
    client.send(deltaRequest("cluster", { nonce: first.nonce }));
    await until(() => bench.insight.includes("redis ack cluster"));
    assert.ok(!bench.acks.includes("redis cluster 1"));
    bench.push("redis", makeSnapshot(2, { cluster: { a: "2" } }));
    await sleep(50);
    assert.equal(client.responses.length, 1);
    lease?.setActive(true);
    assert.deepEqual((await client.delta(1)).resources, ["a@2"]);
    assert.ok(bench.acks.includes("redis cluster 1"), "it still holds what it acknowledged meanwhile");
  });

  it("is ended by presence with a reason, as nothing the proxy did wrong", async () => {
    await using bench = await ServerBench.open();
    bench.push("redis", makeSnapshot(1, { cluster: { a: "1" } }));
    using client = new RawClient(bench, DELTA, "for:redis");
    client.send(hello());
    await client.delta(0);
    bench.leases[0]?.stream.end("a newer stream of this sidecar took over – gründlich");
    const status = await client.status;
    assert.equal(status.code, 14);
    assert.match(status.details, /took over – gründlich \(MM700\)$/);
    await until(() => bench.leases[0]?.closed !== undefined);
  });

  it("ends when the client says that it has finished", async () => {
    await using bench = await ServerBench.open();
    using client = new RawClient(bench, DELTA, "for:redis");
    client.send(hello());
    await until(() => bench.leases.length === 1);
    client.half();
    assert.equal((await client.status).code, 0);
    await until(() => bench.leases[0]?.closed !== undefined);
  });

  it("holds one message for a client that does not read", async () => {
    await using bench = await ServerBench.open();
    const many = (version: string) => Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`s${i}`, version]));
    bench.push("redis", makeSnapshot(1, { cluster: many("1") }, undefined, 1000));
    using client = new RawClient(bench, DELTA, "for:redis");
    client.pause();
    client.send(hello());
    await until(() => bench.insight.length > 0);
    await sleep(200);
    const sent = bench.insight.length;
    for (let revision = 2; revision < 12; revision++)
      bench.push("redis", makeSnapshot(revision, { cluster: many(`${revision}`) }, undefined, 1000));
    await sleep(200);
    assert.equal(bench.insight.length, sent);
    assert.ok(sent < 40, `${sent} messages are in buffers between here and there`);
  });

  it("cuts the connection of a client that does not even read why its stream ended", { timeout: 20_000 }, async () => {
    await using bench = await ServerBench.open();
    const many = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`s${i}`, "1"]));
    bench.push("redis", makeSnapshot(1, { cluster: many }, undefined, 1000));
    const session = connect(`https://localhost:${bench.port}`, { ca: bench.ca.certificate, ALPNProtocols: ["h2"] });
    session.on("error", () => undefined);
    const stream = session.request({
      ":method": "POST",
      ":path": `/envoy.service.discovery.v3.AggregatedDiscoveryService/${DELTA}`,
      "content-type": "application/grpc",
      te: "trailers",
      authorization: "for:redis",
    });
    stream.on("error", () => undefined);
    const message = hello();
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(message.byteLength, 1);
    stream.write(Buffer.concat([prefix, message]));
    await until(() => bench.leases.length === 1);
    await sleep(200);
    const startedAt = Date.now();
    bench.leases[0]?.stream.end("enough");
    assert.equal(bench.leases[0]?.closed, "enough");
    await once(session, "close");
    const took = Date.now() - startedAt;
    assert.ok(took > 4000 && took < 8000, `${took}`);
  });

  it("ends all streams when the server closes", async () => {
    const bench = await ServerBench.open();
    using client = new RawClient(bench, DELTA, "for:redis");
    client.send(hello());
    await until(() => bench.leases.length === 1);
    await bench[Symbol.asyncDispose]();
    assert.equal((await client.status).code, 14);
    await until(() => bench.leases[0]?.closed === "the connection ended");
  });
});
