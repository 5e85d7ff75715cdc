import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:http";
import { connect } from "node:net";
import { hostname } from "node:os";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, credentials, status as GrpcStatus, Server, ServerCredentials, type ServiceError } from "@grpc/grpc-js";
import { dataplane, presence } from "../../view/fixtures.ts";
import { EnvoyProcess, plainBootstrap } from "../../xds/envoy/envoy-process.ts";
import { TestEngine } from "../fixtures.ts";
import { AdsServer } from "./ads-server.ts";
import { Application, echoApplication, http1Application, http2Application, type Seen } from "./applications.ts";

// One Envoy is both sides: its outbounds lead to its own inbounds, and those to applications in this process.
const NET = `127.${10 + Math.floor(Math.random() * 200)}.${Math.floor(Math.random() * 256)}`;
const ME = "web-1";
const HERE = `${NET}.1`;
const OUT = `${NET}.2`;
const SECOND = `${NET}.3`;
const PORT = { http: 20_001, http2: 20_002, grpc: 20_003, tcp: 20_004 } as const;
type Kind = keyof typeof PORT;
const KINDS = Object.keys(PORT) as Kind[];
const SUBSET_PORT = 21_000;

const raw = (bytes: Buffer) => bytes;

async function grpcApplication(): Promise<{ server: Server; port: number }> {
  const server = new Server();
  const method = {
    path: "/echo.Echo/Say",
    requestStream: false,
    responseStream: false,
    requestSerialize: raw,
    requestDeserialize: raw,
    responseSerialize: raw,
    responseDeserialize: raw,
  } as const;
  server.addService(
    { Say: method },
    { Say: (call: { request: Buffer }, done: (e: null, b: Buffer) => void) => done(null, call.request) },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return { server, port };
}

function definition(ports: Readonly<Record<Kind, number>>) {
  return dataplane(ME, {
    address: HERE,
    inbound: KINDS.map((kind) => ({
      service: kind,
      port: PORT[kind],
      servicePort: ports[kind],
      protocol: kind,
      tags: { version: "1" },
    })),
    outbound: [
      ...KINDS.map((kind) => ({ address: OUT, port: PORT[kind], tags: { "kuma.io/service": kind } })),
      { address: OUT, port: SUBSET_PORT, tags: { "kuma.io/service": "http", version: "2" } },
    ],
  });
}

/** Another instance of a service, whose proxy is whatever listens at its address. */
function other(name: string, address: string, kind: Kind, port = PORT[kind]) {
  return dataplane(name, { address, inbound: [{ service: kind, port, protocol: kind, tags: { version: "2" } }] });
}

async function ask(port: number, headers: Record<string, string> = {}) {
  const sent = request({ host: OUT, port, path: "/", headers, agent: false });
  sent.end();
  const [response] = await once(sent, "response");
  let body = "";
  for await (const chunk of response) body += chunk;
  const seen = response.statusCode === 200 ? (JSON.parse(body) as Seen) : undefined;
  return { status: response.statusCode as number, headers: response.headers, seen, body };
}

/** Sends bytes and returns what comes back; an empty text if the connection is closed instead. */
async function echo(port: number, text: string): Promise<string> {
  const socket = connect(port, OUT);
  socket.write(text);
  try {
    for await (const chunk of socket) return String(chunk);
    return "";
  } finally {
    socket.destroy();
  }
}

/** Calls the gRPC application; rejects with the ServiceError. */
function say(text: string): Promise<Buffer> {
  const client = new Client(`${OUT}:${PORT.grpc}`, credentials.createInsecure());
  return new Promise<Buffer>((resolve, reject) => {
    client.makeUnaryRequest("/echo.Echo/Say", raw, raw, Buffer.from(text), (error, value) =>
      error || !value ? reject(error) : resolve(value),
    );
  }).finally(() => client.close());
}

describe("traffic through a real Envoy", { timeout: 60_000 }, () => {
  const mine = new TestEngine();
  const stack = new AsyncDisposableStack();
  let envoy: EnvoyProcess;

  /** Puts and waits until Envoy has it, and its workers a moment later. */
  async function put(...drafts: Parameters<TestEngine["put"]>): Promise<void> {
    const revision = await mine.put(...drafts);
    const signal = AbortSignal.timeout(10_000);
    const except = { mesh: "default", name: "" };
    assert.deepEqual((await mine.engine.waitFor("default", KINDS, revision, { except, signal })).missing, []);
    await sleep(20);
  }

  before(async () => {
    const { server: grpc, port: grpcPort } = await grpcApplication();
    stack.defer(() => grpc.forceShutdown());
    stack.use(mine);
    const http = stack.use(await Application.listen(http1Application("first")));
    const http2 = stack.use(await Application.listen(http2Application("first")));
    const tcp = stack.use(await Application.listen(echoApplication()));
    const { server, port } = await AdsServer.open(mine.engine);
    stack.use(server);
    await mine.put(
      definition({ http: http.port, http2: http2.port, grpc: grpcPort, tcp: tcp.port }),
      presence(ME, "healthy"),
    );
    envoy = stack.use(await EnvoyProcess.start((directory) => plainBootstrap("sotw", port, directory)));
    for (let tries = 0; tries < 500 && (await echo(PORT.tcp, "up").catch(() => "")) !== "up"; tries++) await sleep(20);
    assert.deepEqual(server.nacks, []);
  });

  after(async () => {
    await stack.disposeAsync();
  });

  test("HTTP/1.1 reaches an application that speaks it, and its own headers pass", async () => {
    const { status, headers, seen } = await ask(PORT.http, {
      "x-request-id": "mine",
      "x-kuma-tags": "&forged=1&",
      "user-agent": "tester",
    });
    assert.equal(status, 200);
    assert.equal(headers.server, "app", "Envoy does not put its own name there");
    assert.equal(headers["x-monomesh-local-reply"], undefined, "the application made it");
    assert.equal(seen?.httpVersion, "1.1");
    assert.equal(seen?.headers["x-request-id"], "mine");
    assert.equal(seen?.headers["user-agent"], "tester");
    assert.equal(seen?.headers["x-kuma-tags"], undefined);
    assert.ok((await ask(PORT.http)).seen?.headers["x-request-id"], "one is made if there is none");
  });

  test("an application that speaks HTTP/2 gets HTTP/2", async () => {
    assert.equal((await ask(PORT.http2)).seen?.httpVersion, "2.0");
  });

  test("gRPC passes with its trailers, and is counted as gRPC", async () => {
    assert.equal(String(await say("hello")), "hello");
    assert.match(await envoy.admin("/stats?filter=grpc"), /cluster\.grpc\.grpc\.success: 1/);
  });

  test("TCP passes as it is", async () => {
    assert.equal(await echo(PORT.tcp, "\u0000 any bytes \r\n"), "\u0000 any bytes \r\n");
  });

  test("a WebSocket is upgraded through both sides", async () => {
    const sent = request({
      host: OUT,
      port: PORT.http,
      headers: { connection: "upgrade", upgrade: "websocket" },
      agent: false,
    });
    sent.end();
    const [response, socket] = await once(sent, "upgrade");
    assert.equal(response.statusCode, 101);
    socket.write("frame");
    assert.equal(String((await once(socket, "data"))[0]), "frame");
    socket.destroy();
  });

  test("requests and connections that were never sent go to another endpoint", async () => {
    // Nobody listens at these addresses.
    await put(
      other("dead-http", `${NET}.9`, "http"),
      presence("dead-http", "healthy"),
      other("dead-tcp", `${NET}.9`, "tcp"),
      presence("dead-tcp", "healthy"),
    );
    for (let tries = 0; tries < 20; tries++) {
      assert.equal((await ask(PORT.http)).status, 200);
      assert.equal(await echo(PORT.tcp, "again"), "again");
    }
    const retried = await envoy.admin(
      "/stats?filter=cluster.http.upstream_cx_connect_fail|cluster.tcp.upstream_cx_connect",
    );
    assert.match(retried, /cluster\.http\.upstream_cx_connect_fail: [1-9]/, "the dead endpoint was tried");
    assert.match(retried, /cluster\.tcp\.upstream_cx_connect_fail: [1-9]/, "the dead endpoint was tried");
    await put(presence("dead-http", "withdrawn"), presence("dead-tcp", "withdrawn"));
  });

  test("a last choice gets nothing beside a healthy endpoint, and everything without one", async () => {
    // Between sidecars it is HTTP/2, so this application can stand for a whole proxy.
    await using _ = await Application.listen(http2Application("second"), SECOND, PORT.http);
    await put(other("second", SECOND, "http"), presence("second", "degraded"));
    const whoAnswers = async () => {
      const names = new Set<string | undefined>();
      for (let tries = 0; tries < 20; tries++) names.add((await ask(PORT.http)).seen?.by);
      return [...names].sort();
    };
    assert.deepEqual(await whoAnswers(), ["first"]);
    assert.equal(
      (await ask(SUBSET_PORT)).seen?.by,
      "second",
      "an outbound with more tags reaches those that have them",
    );
    await put(presence("second", "healthy"));
    assert.deepEqual(await whoAnswers(), ["first", "second"]);
    await put(presence(ME, "withdrawn"));
    assert.deepEqual(await whoAnswers(), ["second"]);
    await put(presence("second", "degraded"));
    assert.deepEqual(await whoAnswers(), ["second"]);
    await put(presence(ME, "healthy"), presence("second", "withdrawn"));
    assert.deepEqual(await whoAnswers(), ["first"]);
    assert.equal((await ask(SUBSET_PORT)).status, 503);
  });

  test("a last choice gets 0 of 1,000 requests, all when it is alone, and keeps its connections", async () => {
    await using _ = await Application.listen(http2Application("second"), SECOND, PORT.http);
    await using _tcp = await Application.listen(echoApplication(), SECOND, PORT.tcp);
    const whoAnswers = async () => {
      const answers = new Map<string | undefined, number>();
      const ten = Array.from({ length: 10 }, async () => {
        for (let tries = 0; tries < 100; tries++) {
          const by = (await ask(PORT.http)).seen?.by;
          answers.set(by, (answers.get(by) ?? 0) + 1);
        }
      });
      await Promise.all(ten);
      return Object.fromEntries(answers);
    };
    await put(other("second", SECOND, "http"), presence("second", "degraded"));
    assert.deepEqual(await whoAnswers(), { first: 1000 });
    await put(presence(ME, "degraded"), presence("second", "withdrawn"));
    assert.deepEqual(await whoAnswers(), { first: 1000 });

    await put(other("second-tcp", SECOND, "tcp"), presence("second-tcp", "healthy"));
    const socket = connect(PORT.tcp, OUT);
    try {
      for (const state of ["healthy", "degraded", "healthy", "degraded"] as const) {
        await put(presence("second-tcp", state));
        socket.write(state);
        assert.equal(String((await once(socket, "data"))[0]), state, "the connection is still the same");
      }
    } finally {
      socket.destroy();
    }
    await put(presence(ME, "healthy"), presence("second-tcp", "withdrawn"));
  });

  test("without endpoints HTTP says 503 and TCP is closed", async () => {
    await put(presence(ME, "withdrawn"));
    const { status, headers, body } = await ask(PORT.http);
    assert.equal(status, 503);
    const explanation = `made by a sidecar on the host ${hostname()}, asked for http: UH no_healthy_upstream; see monomesh inspect dataplanes`;
    assert.equal(headers["x-monomesh-local-reply"], explanation);
    assert.equal(body, `no healthy upstream\n\nThis answer was ${explanation}\n`);
    await assert.rejects(say("anybody?"), (error: ServiceError) => {
      assert.equal(error.code, GrpcStatus.UNAVAILABLE);
      assert.match(
        error.details,
        /^no healthy upstream\n\nThis answer was made by a sidecar .* UH no_healthy_upstream/,
      );
      return true;
    });
    assert.equal(await echo(PORT.tcp, "anybody?").catch(() => ""), "");
    await put(presence(ME, "healthy"));
    assert.equal((await ask(PORT.http)).status, 200);
  });
});
