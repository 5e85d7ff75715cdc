import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createRegistry, fromJson } from "@bufbuild/protobuf";
import { BootstrapSchema } from "#envoy/config/bootstrap/v3/bootstrap_pb.js";
import { file_envoy_extensions_access_loggers_file_v3_file } from "#envoy/extensions/access_loggers/file/v3/file_pb.js";
import { file_envoy_extensions_transport_sockets_tls_v3_tls } from "#envoy/extensions/transport_sockets/tls/v3/tls_pb.js";
import { file_envoy_extensions_upstreams_http_v3_http_protocol_options } from "#envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js";
import { bootstrap, call, definition, JSON_HEADERS, type JsonDocument, kumaDpRequest } from "./http-client.ts";
import { dataplaneDraft, ServerBench } from "./server-bench.ts";

function bootstrapOf(body: string): JsonDocument {
  const { bootstrap } = JSON.parse(body) as { bootstrap: string };
  return JSON.parse(Buffer.from(bootstrap, "base64").toString());
}

describe("POST /bootstrap", () => {
  it("answers a stock kuma-dp with all of the contract's section 3.4", async () => {
    await using bench = await ServerBench.open();
    const reply = await bootstrap(bench, kumaDpRequest());
    assert.equal(reply.status, 200, reply.body);
    assert.equal(reply.headers["content-type"], "application/json");
    const { kumaSidecarConfiguration, monomesh } = JSON.parse(reply.body);
    assert.deepEqual(kumaSidecarConfiguration, {
      networking: { corefileTemplate: null, address: "192.168.0.1" },
      metrics: { aggregate: [] },
    });
    assert.equal(monomesh, undefined, "only our own sidecar gets it");
    const doc = bootstrapOf(reply.body);
    const { metadata } = doc["node"];
    assert.equal(doc["node"].id, "default.redis");
    assert.equal(doc["node"].cluster, "redis");
    assert.match(metadata["monomesh.incarnation"], /^[0-9a-f-]{36}$/);
    const resource = JSON.parse(metadata["dataplane.resource"]);
    assert.equal(resource.networking.inbound[0].servicePort, 6379);
    assert.equal(resource.creationTime, undefined);
    for (const key of ["monomesh.incarnation", "dataplane.resource"]) delete metadata[key];
    assert.deepEqual(metadata, {
      version: kumaDpRequest()["version"],
      features: ["feature-reuse-port", "feature-strict-inbound-ports"],
      workdir: "/tmp/kuma-dp-1",
      metricsCertPath: "/m/cert.pem",
      metricsKeyPath: "/m/key.pem",
      systemCaPath: "/etc/ssl/certs/ca-certificates.crt",
      ipv6Enabled: true,
      "spireAgent.socketPath": "",
      "dataplane.admin.port": "9901",
      "dataplane.admin.address": "127.0.0.1",
      "dataplane.admin.socketPath": "/tmp/kuma-dp-1/kuma-envoy-admin.sock",
      "dataplane.dns.port": "15054",
      "dataplane.readinessReporter.port": "9902",
      "dataplane.appProbeProxy.enabled": "true",
      "dataplane.proxyType": "dataplane",
      dynamicMetadata: { "version.dependencies.coredns": "1.9.3" },
    });
    assert.deepEqual(doc["admin"].address, { pipe: { path: "/tmp/kuma-dp-1/kuma-envoy-admin.sock", mode: 384 } });
    const ads = doc["dynamicResources"].adsConfig;
    assert.equal(ads.apiType, "GRPC");
    assert.equal(ads.setNodeOnFirstMessageOnly, true);
    assert.deepEqual(ads.grpcServices, [
      { envoyGrpc: { clusterName: "ads_cluster" }, initialMetadata: [{ key: "authorization", value: "for:redis" }] },
    ]);
    assert.equal(doc["dynamicResources"].ldsConfig.initialFetchTimeout, "0s");
    const [cluster] = doc["staticResources"].clusters;
    assert.equal(cluster.type, "STATIC");
    const socket = cluster.loadAssignment.endpoints[0].lbEndpoints[0].endpoint.address.socketAddress;
    assert.deepEqual(socket, { address: "127.0.0.1", portValue: bench.port });
    const [secret] = doc["staticResources"].secrets;
    const trusted = Buffer.from(secret.validationContext.trustedCa.inlineBytes, "base64").toString();
    assert.equal(trusted, bench.ca.certificate);
    assert.equal(doc["hdsConfig"].apiType, "GRPC");
    assert.deepEqual(doc["hdsConfig"].grpcServices, ads.grpcServices);
    assert.equal(doc["statsConfig"].statsTags.length, 6);
  });

  it("gives Envoy a document that its own schema accepts", async () => {
    await using bench = await ServerBench.open();
    const registry = createRegistry(
      file_envoy_extensions_access_loggers_file_v3_file,
      file_envoy_extensions_transport_sockets_tls_v3_tls,
      file_envoy_extensions_upstreams_http_v3_http_protocol_options,
    );
    const requests = [kumaDpRequest(), kumaDpRequest({ workdir: "", features: ["feature-delta-grpc"] })];
    for (const request of requests) {
      const doc = bootstrapOf((await bootstrap(bench, request)).body) as JsonDocument;
      // The regex engine is the one type of which there is no generated code; real Envoys in the tests read it.
      delete doc["defaultRegexEngine"];
      fromJson(BootstrapSchema, doc, { registry });
    }
  });

  it("keeps the token from our own sidecar's bootstrap, adds what it asks for, and needs no matching name", async () => {
    await using bench = await ServerBench.open();
    const request = kumaDpRequest({ features: ["feature-monomesh-relay", "feature-delta-grpc"] });
    const before = Date.now();
    const reply = await bootstrap(bench, request, { host: "cp.behind.nat:5678" });
    assert.equal(reply.status, 200, reply.body);
    const { monomesh } = JSON.parse(reply.body);
    const doc = bootstrapOf(reply.body);
    assert.ok(!JSON.stringify(doc).includes("for:redis"));
    assert.equal(doc["dynamicResources"].adsConfig.apiType, "DELTA_GRPC");
    assert.equal(doc["node"].metadata["monomesh.incarnation"], monomesh.incarnation);
    assert.equal(monomesh.instanceId, "cp-1");
    assert.match(monomesh.version, /^\d+\.\d+/);
    assert.ok(monomesh.time >= before && monomesh.time <= Date.now());
    const again = JSON.parse((await bootstrap(bench, request)).body).monomesh.incarnation;
    assert.notEqual(again, monomesh.incarnation);
  });

  it("tells our own sidecar which services nobody offers, and to an Indirect one its Dataplane", async () => {
    await using bench = await ServerBench.open();
    const outbound = ["backend", "redis", "bakend", "zzzzzzzz"].map((service, i) => ({
      port: 10000 + i,
      tags: { "kuma.io/service": service },
    }));
    const draft = dataplaneDraft("redis");
    await bench.store.put({ ...draft, spec: { networking: { ...draft.spec.networking, outbound } } });
    const request = kumaDpRequest({ features: ["feature-monomesh-relay"], dataplaneResource: null });
    const { monomesh } = JSON.parse((await bootstrap(bench, request)).body);
    assert.deepEqual(monomesh.unknownServices, { bakend: "backend", zzzzzzzz: null });
    assert.equal(monomesh.dataplane.name, "redis");
    assert.equal(monomesh.dataplane.networking.inbound[0].port, 9000);
    const direct = kumaDpRequest({ features: ["feature-monomesh-relay"] });
    assert.equal(JSON.parse((await bootstrap(bench, direct)).body).monomesh.dataplane, undefined);
  });

  it("answers YAML unless JSON is asked for exactly", async () => {
    await using bench = await ServerBench.open();
    const body = JSON.stringify(kumaDpRequest());
    const reply = await call(bench, { body, headers: { accept: "*/*" } });
    assert.equal(reply.headers["content-type"], "text/x-yaml");
    assert.equal(JSON.parse(reply.body).node.id, "default.redis");
  });

  it("serves Indirect from the stored Dataplane, with its admin port, over TCP without a work directory", async () => {
    await using bench = await ServerBench.open();
    const draft = dataplaneDraft("redis.eu-1", "redis");
    await bench.store.put({ ...draft, spec: { networking: { ...draft.spec.networking, admin: { port: 9000 } } } });
    const reply = await bootstrap(bench, kumaDpRequest({ name: "redis.eu-1", dataplaneResource: null, workdir: "" }));
    assert.equal(reply.status, 200, reply.body);
    const doc = bootstrapOf(reply.body);
    assert.equal(doc["node"].id, "default.redis.eu-1");
    assert.equal(doc["node"].cluster, "redis");
    assert.equal(doc["node"].metadata["dataplane.resource"], undefined);
    assert.equal(doc["node"].metadata["dataplane.admin.port"], "9000");
    assert.deepEqual(doc["admin"].address, { socketAddress: { address: "127.0.0.1", portValue: 9000 } });
  });

  it("names the host that the sidecar used, or the one of the configuration", async () => {
    await using bench = await ServerBench.open({ xdsHost: "cp.example", xdsPort: 15678 });
    const doc = bootstrapOf((await bootstrap(bench, kumaDpRequest(), { host: "whatever" })).body);
    const [cluster] = doc["staticResources"].clusters;
    assert.equal(cluster.type, "STRICT_DNS");
    assert.equal(cluster.transportSocket.typedConfig.sni, "cp.example");
    const socket = cluster.loadAssignment.endpoints[0].lbEndpoints[0].endpoint.address.socketAddress;
    assert.deepEqual(socket, { address: "cp.example", portValue: 15678 });
  });

  const withInbound = (inbound: unknown) =>
    JSON.stringify(definition("redis", { networking: { address: "192.168.0.1", inbound: [inbound] } }));
  const refused: readonly [string, unknown, number, RegExp][] = [
    ["a list", [], 400, /^$/],
    [
      "mesh that does not exist",
      kumaDpRequest({ mesh: "nope", dataplaneResource: undefined }),
      422,
      /^mesh: mesh "nope" does not exist \(MM104\)$/,
    ],
    [
      "definition of a mesh that does not exist",
      kumaDpRequest({ mesh: "", dataplaneResource: JSON.stringify(definition("redis", { mesh: "nope" })) }),
      422,
      /mesh "nope" does not exist/,
    ],
    ["Indirect without its resource", kumaDpRequest({ name: "ghost", dataplaneResource: "" }), 404, /^$/],
    ["Indirect without a name", kumaDpRequest({ name: "", dataplaneResource: null }), 422, /^name: is required/],
    [
      "Indirect with a bad name",
      kumaDpRequest({ name: "A B", dataplaneResource: null }),
      422,
      /^name: must consist of/,
    ],
    [
      "mesh with a dot",
      kumaDpRequest({ mesh: "a.b", dataplaneResource: null }),
      422,
      /^mesh: a mesh whose name contains a dot/,
    ],
    ["definition that is not JSON", kumaDpRequest({ dataplaneResource: "{" }), 422, /^dataplaneResource: is not JSON/],
    [
      "definition that is a list",
      kumaDpRequest({ dataplaneResource: "[]" }),
      422,
      /^dataplaneResource: must be a JSON object/,
    ],
    [
      "definition of a mesh",
      kumaDpRequest({ dataplaneResource: '{"type":"Mesh","name":"m"}' }),
      422,
      /describes a Mesh/,
    ],
    [
      "definition without networking",
      kumaDpRequest({ dataplaneResource: '{"type":"Dataplane","mesh":"default","name":"redis"}' }),
      422,
      /networking/,
    ],
    [
      "port out of range",
      kumaDpRequest({ dataplaneResource: withInbound({ port: 70000, tags: { "kuma.io/service": "redis" } }) }),
      422,
      /networking\.inbound\[0\]\.port: /,
    ],
    [
      "port that is text",
      kumaDpRequest({ dataplaneResource: withInbound({ port: "x", tags: { "kuma.io/service": "redis" } }) }),
      422,
      /networking\.inbound\[0\]\.port: /,
    ],
    [
      "tags without a service",
      kumaDpRequest({ dataplaneResource: withInbound({ port: 80, tags: { a: "b" } }) }),
      422,
      /networking\.inbound\[0\]\.tags/,
    ],
    ["two names", kumaDpRequest({ name: "other" }), 422, /^name: the request says "other", the definition "redis"/],
    ["zone ingress", kumaDpRequest({ proxyType: "ingress" }), 422, /^proxyType: "ingress" is not served/],
    ["feature list that is text", kumaDpRequest({ features: "delta" }), 422, /^features: must be a list of texts/],
    [
      "two fields of the wrong kind",
      kumaDpRequest({ dnsPort: -1, workdir: 7 }),
      422,
      /dnsPort: must be a port.*; workdir: must be text|workdir.*dnsPort/,
    ],
    [
      "work directory too long for a socket",
      kumaDpRequest({ workdir: `/${"x".repeat(100)}` }),
      422,
      /^workdir: is too long/,
    ],
    [
      "outbounds with transparent proxying",
      kumaDpRequest({
        dataplaneConfig: { redirect: {} },
        dataplaneResource: JSON.stringify(
          definition("redis", {
            networking: { address: "192.168.0.1", outbound: [{ port: 1, tags: { "kuma.io/service": "a" } }] },
          }),
        ),
      }),
      422,
      /^networking\.outbound: must be empty/,
    ],
    ["no token", kumaDpRequest({ dataplaneToken: null }), 422, /^dataplaneToken: the sidecar has no token \(MM301\)$/],
    ["forged token", kumaDpRequest({ dataplaneToken: "nonsense" }), 401, /signature does not match \(MM310\)$/],
    [
      "token for another",
      kumaDpRequest({ dataplaneToken: "for:web" }),
      403,
      /^the token is for web, not redis \(MM311\)$/,
    ],
    ["CA that is none", kumaDpRequest({ caCert: "hello" }), 400, /holds no certificate/],
  ];
  it("refuses what is wrong with the status and text of the contract, and changes nothing", async () => {
    await using bench = await ServerBench.open();
    const revision = await bench.store.revision();
    for (const [what, request, status, text] of refused) {
      const reply = await bootstrap(bench, request);
      assert.equal(reply.status, status, `${what}: ${reply.status} ${reply.body}`);
      assert.match(reply.body, text, what);
      assert.ok(!reply.body.includes("    at "), "no stack");
    }
    assert.equal(await bench.store.revision(), revision);
    assert.equal(bench.leases.length, 0);
    assert.equal((await bootstrap(bench, kumaDpRequest())).status, 200);
  });

  it("answers 400 without a body to what is not JSON, with any method", async () => {
    await using bench = await ServerBench.open();
    for (const request of [{ method: "GET" }, { body: "name: yaml" }, { body: "" }, { method: "PUT", body: "{" }]) {
      const reply = await call(bench, { ...request, headers: JSON_HEADERS });
      assert.deepEqual([reply.status, reply.body], [400, ""]);
    }
  });

  it("verifies the token against the stored Dataplane too: one service cannot take over another's", async () => {
    await using bench = await ServerBench.open();
    await bench.store.put(dataplaneDraft("redis", "billing"));
    const reply = await bootstrap(bench, kumaDpRequest());
    assert.equal(reply.status, 403);
    assert.match(reply.body, /for redis, not billing/);
    assert.equal(reply.headers["monomesh-code"], "MM311");
  });

  it("tells a stock sidecar at once when Envoy would not accept the certificate's name", async () => {
    await using bench = await ServerBench.open();
    const reply = await bootstrap(bench, kumaDpRequest(), { host: "cp.behind.nat:5678" });
    assert.equal(reply.status, 400);
    assert.match(
      reply.body,
      /does not cover "cp\.behind\.nat".*127\.0\.0\.1.*MONOMESH_DP_SERVER_HOSTS=cp\.behind\.nat/,
    );
    assert.equal((await bootstrap(bench, kumaDpRequest(), { host: `localhost:${bench.port}` })).status, 200);
  });

  it("logs a refusal once, however often kuma-dp tries", async () => {
    await using bench = await ServerBench.open();
    for (let i = 0; i < 3; i++) await bootstrap(bench, kumaDpRequest({ dataplaneToken: "for:web" }));
    const lines = bench.events.filter((each) => each.startsWith("refused"));
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? "", /redis +refused +the token is for web, not redis \(from 127\.0\.0\.1:\d+\).*MM311/);
  });
});
