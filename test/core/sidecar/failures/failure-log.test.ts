import assert from "node:assert/strict";
import { createServer as createHttp2Server } from "node:http2";
import { connect } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createRegistry, toJson } from "@bufbuild/protobuf";
import { Client, credentials, status as GrpcStatus, Server, ServerCredentials } from "@grpc/grpc-js";
import { ClusterSchema } from "#envoy/config/cluster/v3/cluster_pb.js";
import { ListenerSchema } from "#envoy/config/listener/v3/listener_pb.js";
import { freePorts } from "../../../../cmd/demo/free-ports.ts";
import { get } from "../../../../cmd/demo/load.ts";
import { buildInboundCluster } from "../../../../core/envoy/clusters.ts";
import { buildInboundListener } from "../../../../core/envoy/listeners.ts";
import { INBOUND_CLUSTER, INBOUND_LISTENER, INBOUND_ROUTE, INTERNAL_CIDRS } from "../../../../core/envoy/settings.ts";
import { systemClock } from "../../../../core/kernel/clock.ts";
import { Scope } from "../../../../core/kernel/scope.ts";
import type { Protocol } from "../../../../core/model/dataplane/access.ts";
import { FAILURE_LOG_CLUSTER, type RequestFailure } from "../../../../core/model/request-failure.ts";
import { FailureLog } from "../../../../core/sidecar/failures/failure-log.ts";
import { registry } from "../../envoy/golden.ts";
import { EnvoyProcess } from "../../xds/envoy/envoy-process.ts";

const raw = (bytes: Buffer) => bytes;

/** A gRPC service that fails with the status in the request. */
async function startGrpcApplication(): Promise<{ server: Server; port: number }> {
  const server = new Server();
  const method = {
    ...{ path: "/test.Test/Fail", requestStream: false, responseStream: false },
    ...{ requestSerialize: raw, requestDeserialize: raw, responseSerialize: raw, responseDeserialize: raw },
  } as const;
  server.addService({ Fail: method }, {
    Fail: (call: { request: Buffer }, done: (error: { code: number; details: string }) => void) =>
      done({ code: Number(String(call.request)), details: "as asked" }),
  } as never);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return { server, port };
}

describe("failures of a real Envoy", { timeout: 60_000 }, () => {
  const stack = new AsyncDisposableStack();
  const scope = stack.use(new Scope("test"));
  const ports: Record<"http" | "tcp" | "grpc", number> = { http: 0, tcp: 0, grpc: 0 };
  let log: FailureLog;

  before(async () => {
    const { server: grpc, port: grpcPort } = await startGrpcApplication();
    stack.defer(() => grpc.forceShutdown());
    const [http = 0, tcp = 0, grpcInbound = 0, nobody = 0] = await freePorts(4);
    Object.assign(ports, { http, tcp, grpc: grpcInbound });
    log = new FailureLog({
      clock: systemClock,
      scope,
      serviceAt: (_direction, { port }) => Object.entries(ports).find(([, each]) => each === port)?.[0],
      onFailures: () => undefined,
    });
    const logServer = createHttp2Server();
    logServer.on("stream", (stream) => void log.serve(stream));
    stack.defer(() => void logServer.close());
    const inbound = (protocol: Protocol, port: number, application: number) => {
      const cluster = `localhost:${application}/${protocol}`;
      const common = { protocol, cluster };
      return {
        listener: buildInboundListener({
          ...{ ...common, kind: "inbound-listener", address: "127.0.0.1", port, tags: {}, service: protocol },
          listener: { ...INBOUND_LISTENER, explainReplies: "dataplane", failureLog: true },
          ...{ route: INBOUND_ROUTE, internalCidrs: INTERNAL_CIDRS },
        }),
        cluster: buildInboundCluster({
          ...{ kind: "inbound-cluster", name: cluster, address: "127.0.0.1", port: application, protocol },
          cluster: INBOUND_CLUSTER,
        }),
      };
    };
    const all = [inbound("http", http, nobody), inbound("tcp", tcp, nobody), inbound("grpc", grpcInbound, grpcPort)];
    const options = { registry: createRegistry(registry), useProtoFieldName: true };
    stack.use(
      await EnvoyProcess.start(async (directory) => {
        const path = join(directory, "log.sock");
        await new Promise<void>((resolve) => logServer.listen(path, resolve));
        const http2 = {
          "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            explicit_http_config: { http2_protocol_options: {} },
          },
        };
        const endpoints = [{ lb_endpoints: [{ endpoint: { address: { pipe: { path } } } }] }];
        return {
          node: { id: "default.web-1", cluster: "web" },
          admin: { address: { pipe: { path: join(directory, "admin.sock") } } },
          static_resources: {
            listeners: all.map(({ listener }) => toJson(ListenerSchema, listener, options)),
            clusters: [
              ...all.map(({ cluster }) => toJson(ClusterSchema, cluster, options)),
              {
                name: FAILURE_LOG_CLUSTER,
                typed_extension_protocol_options: http2,
                load_assignment: { cluster_name: FAILURE_LOG_CLUSTER, endpoints },
              },
            ],
          },
        };
      }),
    );
    for (let tries = 0; tries < 500 && (await get(http, "/").catch(() => undefined)) === undefined; tries++)
      await sleep(20);
  });

  after(() => stack.disposeAsync());

  /** The first failure after those that were known that fits. */
  async function failure(good: (failure: RequestFailure) => boolean): Promise<RequestFailure> {
    for (let tries = 0; tries < 250; tries++) {
      const found = log.since(0).find(good);
      if (found) return found;
      await sleep(20);
    }
    assert.fail(`not among ${JSON.stringify(log.since(0))}`);
  }

  const call = (code: number) =>
    new Promise<number | undefined>((resolve) => {
      const client = new Client(`127.0.0.1:${ports.grpc}`, credentials.createInsecure());
      client.makeUnaryRequest("/test.Test/Fail", raw, raw, Buffer.from(String(code)), (error) => {
        client.close();
        resolve(error?.code);
      });
    });

  test("an HTTP request whose application is away", async () => {
    assert.equal((await get(ports.http, "/away?secret=1")).status, 503);
    const { seq, time, downstream, durationMs, requestId, details, flags, ...rest } = await failure(
      ({ path }) => path === "/away",
    );
    assert.deepEqual(
      { ...rest, upstream: undefined },
      {
        direction: "inbound",
        service: "http",
        method: "GET",
        path: "/away",
        status: 503,
        answeredBy: "sidecar",
        upstream: undefined,
      },
    );
    assert.ok(flags.includes("UF") && details?.includes("connect_error"), `${flags} ${details}`);
    assert.ok(seq > 0 && requestId && downstream?.startsWith("127.0.0.1:") && durationMs !== undefined);
    assert.ok(Math.abs(Date.parse(time) - Date.now()) < 60_000);
  });

  test("a TCP connection whose application is away", async () => {
    await new Promise((resolve) => connect(ports.tcp, "127.0.0.1").on("error", resolve).on("close", resolve).resume());
    const found = await failure(({ service }) => service === "tcp");
    assert.deepEqual([found.direction, found.status, found.method], ["inbound", undefined, undefined]);
    assert.ok(found.flags.includes("UF"), found.flags.join());
    assert.match(found.details ?? "", /connect/i);
  });

  test("gRPC: a status that stands for a 5xx is a failure, another one is not", async () => {
    for (const code of [GrpcStatus.NOT_FOUND, GrpcStatus.INVALID_ARGUMENT, GrpcStatus.INTERNAL])
      assert.equal(await call(code), code);
    const found = await failure(({ service }) => service === "grpc");
    assert.deepEqual(
      [found.status, found.grpcStatus, found.answeredBy, found.path],
      [200, GrpcStatus.INTERNAL, "application", "/test.Test/Fail"],
    );
    assert.equal(log.since(0).filter(({ service }) => service === "grpc").length, 1);
  });

  test("the last 200 are kept, in order", async () => {
    for (let count = 0; count < 250; count++) await get(ports.http, `/many/${count}`);
    await failure(({ path }) => path === "/many/249");
    const kept = log.since(0);
    assert.equal(kept.length, 200);
    assert.deepEqual(
      kept.map(({ path }) => path),
      Array.from({ length: 200 }, (_, at) => `/many/${at + 50}`),
    );
    const newest = kept.at(-1)?.seq ?? 0;
    assert.deepEqual(
      log.since(newest - 2).map(({ seq }) => seq),
      [newest - 1, newest],
    );
  });
});
