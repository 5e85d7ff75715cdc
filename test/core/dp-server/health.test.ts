import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { HealthStatus } from "#envoy/config/core/v3/health_check_pb.js";
import {
  HealthCheckRequestOrEndpointHealthResponseSchema,
  type HealthCheckSpecifier,
  HealthCheckSpecifierSchema,
} from "#envoy/service/health/v3/hds_pb.js";
import type { DataplaneSpec, Inbound } from "../../../core/model/types/dataplane.ts";
import { until } from "../../support/until.ts";
import { deltaRequest } from "../xds/fixtures.ts";
import { bootstrap, kumaDpRequest } from "./http-client.ts";
import { RawClient } from "./raw-client.ts";
import { dataplaneDraft, ServerBench } from "./server-bench.ts";

/** The Dataplane `redis` with inbounds 9000, which is probed, and 9001, which is not unless `both`. */
function probed(both = false, service = "redis") {
  const draft = dataplaneDraft("redis", service);
  const { networking } = draft.spec as DataplaneSpec;
  const [first] = networking.inbound as Inbound[];
  const inbound = [
    { ...first, serviceProbe: { interval: 1500, tcp: {} } },
    { ...first, port: 9001, servicePort: 6380, ...(both ? { serviceProbe: {} } : {}) },
  ];
  return { ...draft, spec: { networking: { ...networking, inbound } } };
}

const hello = (metadata: Readonly<Record<string, string>> = {}) =>
  toBinary(
    HealthCheckRequestOrEndpointHealthResponseSchema,
    create(HealthCheckRequestOrEndpointHealthResponseSchema, {
      requestType: {
        case: "healthCheckRequest",
        value: { node: { id: "default.redis", metadata: { ...metadata } } },
      },
    }),
  );

const results = (healthy: Readonly<Record<string, boolean>>) =>
  toBinary(
    HealthCheckRequestOrEndpointHealthResponseSchema,
    create(HealthCheckRequestOrEndpointHealthResponseSchema, {
      requestType: {
        case: "endpointHealthResponse",
        value: {
          clusterEndpointsHealth: Object.entries(healthy).map(([clusterName, good]) => ({
            clusterName,
            localityEndpointsHealth: [
              { endpointsHealth: [{ healthStatus: good ? HealthStatus.HEALTHY : HealthStatus.UNHEALTHY }] },
            ],
          })),
        },
      },
    }),
  );

async function specifier(client: RawClient, index: number): Promise<HealthCheckSpecifier> {
  return fromBinary(HealthCheckSpecifierSchema, await client.response(index));
}

describe("HDS of a stock sidecar", () => {
  it("says what to check, again only when that changed, and turns results into a report", async () => {
    await using bench = await ServerBench.open();
    await bench.store.put(probed());
    using client = new RawClient(bench, "StreamHealthCheck", "for:redis");
    client.send(hello({ "dataplane.admin.socketPath": "/run/admin.sock", "monomesh.incarnation": "i-1" }));
    const first = await specifier(client, 0);
    const names = (each: HealthCheckSpecifier) => each.clusterHealthChecks.map(({ clusterName }) => clusterName);
    assert.deepEqual(names(first), ["kuma:envoy:admin", "localhost:6379"]);
    const [admin] = first.clusterHealthChecks;
    assert.deepEqual(admin?.localityEndpoints[0]?.endpoints[0]?.address?.address.value, {
      $typeName: "envoy.config.core.v3.Pipe",
      path: "/run/admin.sock",
      mode: 0,
    });

    client.send(results({ "kuma:envoy:admin": true, "localhost:6379": false }));
    await until(() => bench.reports.length === 1, "the report");
    assert.deepEqual(bench.reports[0], {
      name: "redis",
      incarnation: "i-1",
      notReady: [9000],
      probed: [9000],
      draining: false,
    });

    await bench.store.put({ ...probed(), labels: { team: "a" } });
    await bench.store.put(probed(true));
    assert.deepEqual(names(await specifier(client, 1)), ["kuma:envoy:admin", "localhost:6379", "localhost:6380"]);
    client.send(results({ "kuma:envoy:admin": true, "localhost:6379": true }));
    await until(() => bench.reports.length === 2, "the report");
    assert.deepEqual(bench.reports[1]?.notReady, [9001], "not known yet is not ready");
    await sleep(50);
    assert.equal(client.responses.length, 2);
  });

  it("checks each application once, whatever its inbounds and addresses", async () => {
    await using bench = await ServerBench.open();
    const draft = probed();
    const inbound = (port: number, serviceAddress: string, interval = 1000) => ({
      port,
      servicePort: 6379,
      serviceAddress,
      tags: { "kuma.io/service": "redis" },
      serviceProbe: { interval },
    });
    const inbounds = [inbound(9000, "127.0.0.1"), inbound(9001, "127.0.0.1", 500), inbound(9002, "127.0.0.2")];
    await bench.store.put({ ...draft, spec: { networking: { ...draft.spec.networking, inbound: inbounds } } });
    using client = new RawClient(bench, "StreamHealthCheck", "for:redis");
    client.send(hello());
    const { clusterHealthChecks } = await specifier(client, 0);
    const names = clusterHealthChecks.map(({ clusterName }) => clusterName);
    assert.deepEqual(names, ["kuma:envoy:admin", "localhost:6379", "localhost:6379@127.0.0.2"]);
    client.send(results({ "kuma:envoy:admin": true, "localhost:6379": false, "localhost:6379@127.0.0.2": true }));
    await until(() => bench.reports.length === 1, "the report");
    assert.deepEqual(bench.reports[0]?.notReady, [9000, 9001]);
  });

  it("sees that Envoy drains: its admin check was good, and fails; before that it just is not up", async () => {
    await using bench = await ServerBench.open();
    await bench.store.put(probed());
    using client = new RawClient(bench, "StreamHealthCheck", "for:redis");
    client.send(hello());
    await specifier(client, 0);
    for (const admin of [false, true, false, true]) {
      client.send(results({ "kuma:envoy:admin": admin, "localhost:6379": true }));
      await sleep(20);
    }
    await until(() => bench.reports.length === 4, "the reports");
    assert.deepEqual(
      bench.reports.map(({ notReady, draining, incarnation }) => [notReady, draining, incarnation]),
      [
        [[9000, 9001], undefined, undefined],
        [[], false, undefined],
        [[], true, undefined],
        [[], false, undefined],
      ],
    );
  });

  it("waits for the Dataplane, and for the one that its token is valid for", async () => {
    await using bench = await ServerBench.open();
    using client = new RawClient(bench, "StreamHealthCheck", "for:redis");
    client.send(hello());
    await sleep(100);
    await bench.store.put(probed(false, "billing"));
    await sleep(100);
    assert.equal(client.responses.length, 0);
    await bench.store.put(probed());
    assert.equal((await specifier(client, 0)).clusterHealthChecks.length, 2);
  });

  it("is refused to a stranger, once in the log, and to who speaks something else", async () => {
    await using bench = await ServerBench.open();
    await bench.store.put(probed());
    for (let i = 0; i < 2; i++) {
      using client = new RawClient(bench, "StreamHealthCheck", "forged");
      client.send(hello());
      const { code, details, metadata } = await client.status;
      assert.deepEqual([code, metadata.get("monomesh-code")], [2, ["MM310"]], details);
    }
    assert.equal(bench.events.filter((each) => each.startsWith("refused")).length, 1);
    for (const [bytes, text] of [
      [Buffer.from("hello"), /not valid protobuf/],
      [results({}), /carries no node/],
    ] as const) {
      using client = new RawClient(bench, "StreamHealthCheck", "for:redis");
      client.send(bytes);
      assert.match((await client.status).details, text);
    }
  });
});

it("HDS that is switched off is in no bootstrap, and is not served", async () => {
  await using bench = await ServerBench.open({}, { enabled: false });
  const { bootstrap: encoded } = JSON.parse((await bootstrap(bench, kumaDpRequest())).body) as { bootstrap: string };
  assert.ok(!Buffer.from(encoded, "base64").toString().includes("hdsConfig"));
  using client = new RawClient(bench, "StreamHealthCheck", "for:redis");
  client.send(hello());
  assert.equal((await client.status).code, 12);
});

describe("the health stream of our own sidecar", () => {
  const message = (parts: object) => Buffer.from(JSON.stringify(parts));
  const first = { node: "default.redis", incarnation: "i-1", sequence: 1, notReady: [9000], probed: [9000] };

  it("hands each report over, repeats what had no effect, and tells what to probe", async () => {
    await using bench = await ServerBench.open();
    await bench.store.put(probed());
    bench.takesReports = false;
    using client = new RawClient(bench, "StreamHealth", "for:redis");
    client.send(message(first));
    const { workloads } = JSON.parse((await client.response(0)).toString());
    assert.deepEqual(workloads, [
      {
        port: 9000,
        address: "127.0.0.1",
        servicePort: 6379,
        probe: { interval: 1500, timeout: 2000, healthyThreshold: 1, unhealthyThreshold: 1 },
      },
      { port: 9001, address: "127.0.0.1", servicePort: 6380 },
    ]);
    await until(() => bench.reports.length >= 2, "it is repeated");
    bench.takesReports = true;
    client.send(message({ sequence: 2, notReady: [], probed: [9000] }));
    await until(() => bench.reports.at(-1)?.sequence === 2, "the newer one");
    const { length } = bench.reports;
    assert.deepEqual(bench.reports[0], {
      name: "redis",
      incarnation: "i-1",
      sequence: 1,
      notReady: [9000],
      probed: [9000],
    });
    await sleep(600);
    assert.equal(bench.reports.length, length, "taken is taken");
    await bench.store.put(probed(true));
    const again = JSON.parse((await client.response(1)).toString());
    assert.equal(again.workloads[1].probe.interval, 1000);
  });

  it("refuses what it does not understand, and ends no control plane by it", async () => {
    await using bench = await ServerBench.open();
    await bench.store.put(probed());
    const { incarnation: _, ...nameless } = first;
    for (const [bytes, text] of [
      [Buffer.from("hello"), /not JSON/],
      [message(nameless), /carries no node/],
      [message({ ...first, notReady: ["x"] }), /must have a sequence/],
      [message({ ...first, sequence: -1 }), /must have a sequence/],
      [message({ ...first, probed: [70_000] }), /must have a sequence/],
      [message({ ...first, node: "nodot" }), /not of the form/],
    ] as const) {
      using client = new RawClient(bench, "StreamHealth", "for:redis");
      client.send(bytes);
      const { code, details } = await client.status;
      assert.equal(code, 2);
      assert.match(details, text);
    }
    assert.deepEqual(bench.reports, []);
  });
});

it("an ADS stream brings what its sidecar knows; one that cannot be read is refused", async () => {
  await using bench = await ServerBench.open();
  await bench.store.put(probed());
  const ads = (health: string) =>
    new RawClient(bench, "DeltaAggregatedResources", "for:redis", { "monomesh-health": health });
  const request = deltaRequest("cluster", { nodeId: "default.redis" });
  {
    using client = ads('{"sequence":3,"notReady":[9000],"probed":[9000]}');
    client.send(request);
    await until(() => bench.leases.length === 1, "the lease");
    assert.deepEqual(bench.leases[0]?.stream.health, { sequence: 3, notReady: [9000], probed: [9000] });
  }
  using client = ads("all is well");
  client.send(request);
  assert.match((await client.status).details, /not JSON/);
});
