import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readBootstrapResponse } from "../../../../core/sidecar/bootstrap/response.ts";
import { adminAddressOf, rewriteBootstrap } from "../../../../core/sidecar/bootstrap/rewrite.ts";

type Json = Record<string, unknown>;

const TOKEN = "header.payload.signature";
const SOCKET = "/run/x/relay.sock";

/** As a stock control plane writes it (contract, section 3.4), shortened. */
const STOCK_YAML = `
node: {id: default.redis-1, cluster: redis, metadata: {dataplane.admin.port: "9901"}}
admin: {address: {pipe: {path: /tmp/kuma-dp-1/kuma-envoy-admin.sock, mode: 384}}}
dynamicResources:
  adsConfig:
    apiType: GRPC
    transportApiVersion: V3
    setNodeOnFirstMessageOnly: true
    grpcServices:
    - envoyGrpc: {clusterName: ads_cluster}
      initialMetadata: [{key: authorization, value: ${TOKEN}}, {key: x-other, value: stays}]
  ldsConfig: {ads: {}, initialFetchTimeout: 0s, resourceApiVersion: V3}
  cdsConfig: {ads: {}, initialFetchTimeout: 0s, resourceApiVersion: V3}
hdsConfig:
  apiType: GRPC
  grpcServices:
  - envoyGrpc: {clusterName: ads_cluster}
    initialMetadata: [{key: authorization, value: ${TOKEN}}]
staticResources:
  clusters:
  - name: access_log_sink
    type: STATIC
  - name: ads_cluster
    type: STATIC
    transportSocket: {name: envoy.transport_sockets.tls}
  secrets:
  - name: cp_validation_ctx
    validationContext: {trustedCa: {inlineBytes: QUJD}}
layeredRuntime: {layers: [{name: kuma}]}
`;

async function stock() {
  return (await readBootstrapResponse(JSON.stringify({ bootstrap: Buffer.from(STOCK_YAML).toString("base64") })))
    .bootstrap;
}

describe("rewriting a stock control plane's bootstrap", () => {
  test("Envoy reaches only the socket, without the token; the rest stays as it came", async () => {
    const before = await stock();
    const after = rewriteBootstrap(before, SOCKET, TOKEN) as Json;
    const text = JSON.stringify(after);
    assert.doesNotMatch(text, /signature/);
    assert.doesNotMatch(text, /cp_validation_ctx|transport_sockets\.tls/);
    const statics = after["staticResources"] as unknown as { clusters: { name: string }[]; secrets?: unknown };
    assert.deepEqual(
      statics.clusters.map((each) => each.name),
      ["access_log_sink", "ads_cluster", "failure_log"],
    );
    for (const cluster of statics.clusters.slice(1)) {
      assert.match(JSON.stringify(cluster), /"pipe":\{"path":"\/run\/x\/relay.sock"\}/);
      assert.match(JSON.stringify(cluster), /http2ProtocolOptions/);
    }
    const services = (after["dynamicResources"] as unknown as { adsConfig: { grpcServices: unknown[] } }).adsConfig
      .grpcServices;
    assert.deepEqual(services, [
      {
        envoyGrpc: {
          clusterName: "ads_cluster",
          retryPolicy: { retryBackOff: { baseInterval: "0.05s", maxInterval: "1s" } },
        },
        initialMetadata: [{ key: "x-other", value: "stays" }],
      },
    ]);
    for (const key of ["node", "admin", "layeredRuntime"]) assert.deepEqual(after[key], before[key]);
  });

  test("Google's gRPC client, for tokens that reload, becomes Envoy's own", () => {
    const bootstrap = {
      dynamicResources: {
        adsConfig: {
          grpcServices: [
            {
              googleGrpc: {
                targetUri: "cp:5678",
                credentialsFactoryName: "envoy.grpc_credentials.file_based_metadata",
              },
            },
          ],
        },
      },
    };
    const text = JSON.stringify(rewriteBootstrap(bootstrap, SOCKET, undefined));
    assert.doesNotMatch(text, /googleGrpc|file_based/);
    assert.match(text, /"envoyGrpc":\{"clusterName":"ads_cluster"/);
    assert.match(text, /"path":"\/run\/x\/relay.sock"/);
  });

  test("snake_case is understood, and a service of another cluster left alone", () => {
    const other = { envoy_grpc: { cluster_name: "tracing" } };
    const bootstrap = {
      dynamic_resources: {
        ads_config: {
          grpc_services: [
            { envoy_grpc: { cluster_name: "ads_cluster" }, initial_metadata: [{ key: "authorization", value: TOKEN }] },
          ],
        },
      },
      static_resources: { clusters: [{ name: "ads_cluster" }] },
      x: { grpc_services: [other] },
    };
    const after = rewriteBootstrap(bootstrap, SOCKET, TOKEN);
    assert.deepEqual((after["x"] as { grpc_services: unknown[] }).grpc_services, [other]);
    assert.equal((after["static_resources"] as { clusters: unknown[] }).clusters.length, 2);
    assert.equal(after["staticResources"], undefined);
  });

  test("a token in a place nobody knows stops the start", () => {
    assert.throws(
      () => rewriteBootstrap({ node: { metadata: { note: TOKEN } } }, SOCKET, TOKEN),
      /holds the token in an unknown place/,
    );
  });
});

test("the admin's address: a socket, or TCP", () => {
  assert.deepEqual(adminAddressOf({ admin: { address: { pipe: { path: "/a" } } } }), { path: "/a" });
  assert.deepEqual(
    adminAddressOf({ admin: { address: { socket_address: { address: "127.0.0.1", port_value: 9901 } } } }),
    { host: "127.0.0.1", port: 9901 },
  );
  assert.equal(adminAddressOf({}), undefined);
});

describe("the answer to /bootstrap", () => {
  const encoded = (bootstrap: unknown) => Buffer.from(JSON.stringify(bootstrap)).toString("base64");

  test("a monomesh's is JSON and carries the incarnation", async () => {
    const body = JSON.stringify({ bootstrap: encoded({ node: { metadata: { "monomesh.incarnation": "i-1" } } }) });
    assert.equal((await readBootstrapResponse(body)).incarnation, "i-1");
  });

  for (const body of [
    "<html>",
    "[]",
    "{}",
    JSON.stringify({ bootstrap: Buffer.from("- a").toString("base64") }),
    JSON.stringify({ bootstrap: Buffer.from("a: [").toString("base64") }),
  ]) {
    test(`is none: ${body.slice(0, 20)}`, async () => {
      await assert.rejects(readBootstrapResponse(body), /is no bootstrap/);
    });
  }
});
