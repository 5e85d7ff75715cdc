import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { type ClientHttp2Session, type ClientHttp2Stream, connect, type IncomingHttpHeaders } from "node:http2";
import { connect as connectSocket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "../../../../core/kernel/clock.ts";
import { Scope } from "../../../../core/kernel/scope.ts";
import { ControlPlaneSession, SESSION_TIMES } from "../../../../core/sidecar/relay/control-plane-session.ts";
import type { CallOutcome } from "../../../../core/sidecar/relay/refusal.ts";
import { openRelay } from "../../../../core/sidecar/relay/relay.ts";
import { until } from "../../../support/until.ts";
import { type FrozenLink, openLink } from "../frozen-link.ts";
import { endCall, TEST_CERT, TlsControlPlane } from "../tls-control-plane.ts";

const ADS = "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources";

interface EnvoyCall {
  readonly stream: ClientHttp2Stream;
  readonly received: Buffer[];
  readonly headers: Promise<IncomingHttpHeaders>;
  /** Trailers, or the headers of an answer that has nothing else. */
  readonly ended: Promise<IncomingHttpHeaders>;
}

let scope: Scope;
let dir: string;
let plane: TlsControlPlane;
let link: FrozenLink;
let envoy: ClientHttp2Session;
let outcomes: CallOutcome[];
let answered: string[];
let ups: boolean[];
let downs: string[];
let credential: string | undefined;

beforeEach(async () => {
  scope = new Scope("relay-test");
  dir = await mkdtemp(join(tmpdir(), "relay-test-"));
  plane = new TlsControlPlane();
  await plane.listen();
  link = await openLink(() => plane.port);
  outcomes = [];
  answered = [];
  ups = [];
  downs = [];
  credential = "token-1";
  const upstream = new ControlPlaneSession({
    target: async () => ({ authority: `https://127.0.0.1:${link.port}`, tls: { ca: TEST_CERT } }),
    clock: systemClock,
    scope,
    credential: async () => credential,
    onUp: (again) => ups.push(again),
    onDown: (error) => downs.push(error.message),
    times: { ...SESSION_TIMES, ping: 100, pingTimeout: 150, minBackoff: 20, maxBackoff: 50 },
  });
  const socket = join(dir, "relay.sock");
  await openRelay({
    local: {},
    socket,
    upstream,
    scope,
    clock: systemClock,
    onAnswered: (path) => answered.push(path),
    onOutcome: (outcome) => outcomes.push(outcome),
  });
  envoy = connect("http://ads_cluster", { createConnection: () => connectSocket(socket) });
});

afterEach(async () => {
  envoy.destroy();
  await scope.close();
  await link[Symbol.asyncDispose]();
  await plane[Symbol.asyncDispose]();
  await rm(dir, { recursive: true });
});

function openCall(path = ADS): EnvoyCall {
  const stream = envoy.request({
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
    "x-secret": "stays",
  });
  const received: Buffer[] = [];
  const headers = Promise.withResolvers<IncomingHttpHeaders>();
  const ended = Promise.withResolvers<IncomingHttpHeaders>();
  stream.on("response", (got) => {
    headers.resolve(got);
    if (got["grpc-status"] !== undefined) ended.resolve(got);
  });
  stream.on("data", (chunk: Buffer) => received.push(chunk));
  stream.on("trailers", (got) => {
    ended.resolve(got);
    stream.close(8); // as Envoy does
  });
  stream.on("error", () => undefined);
  return { stream, received, headers: headers.promise, ended: ended.promise };
}

describe("relay", () => {
  test("carries bytes both ways and adds the credential; Envoy's own headers stay behind", async () => {
    const call = openCall();
    call.stream.write("from envoy");
    const there = await plane.opened(1);
    await until(() => Buffer.concat(there.received).toString() === "from envoy", "request body");
    there.stream.write("from control plane");
    await until(() => Buffer.concat(call.received).toString() === "from control plane", "response body");
    assert.deepEqual(answered, [ADS]);
    assert.equal(there.headers[":path"], ADS);
    assert.equal(there.headers["authorization"], "token-1");
    assert.equal(there.headers["te"], "trailers");
    assert.equal(there.headers["x-secret"], undefined);
    assert.equal((await call.headers)["content-type"], "application/grpc");
  });

  test("the socket belongs to its owner alone", () => {
    assert.equal(statSync(join(dir, "relay.sock")).mode & 0o777, 0o600);
  });

  test("asks for the credential at each call, so that a token file may change", async () => {
    openCall();
    await plane.opened(1);
    credential = "token-2";
    openCall();
    assert.equal((await plane.opened(2)).headers["authorization"], "token-2");
  });

  test("keeps Envoy's stream open while the control plane is away, and closes it when it is back", async () => {
    const call = openCall();
    await plane.opened(1);
    await call.headers;
    await plane.kill();
    await until(() => downs.length > 2, "failed attempts");
    assert.equal(call.stream.closed, false);
    await plane.listen();
    assert.equal((await call.ended)["grpc-status"], "14");
    assert.deepEqual(ups, [false, true]);
    openCall();
    await plane.opened(2);
  });

  test("a stream that Envoy opens while the control plane is away is answered when it is back, without being closed", async () => {
    await until(() => ups.length === 1, "up");
    await plane.kill();
    await until(() => downs.length > 0, "down");
    const call = openCall();
    call.stream.write("first message");
    await sleep(60);
    await plane.listen();
    const there = await plane.opened(1);
    await until(() => Buffer.concat(there.received).toString() === "first message", "parked message");
    assert.equal(call.stream.closed, false);
  });

  test("a refusal reaches Envoy and the supervisor with its reason", async () => {
    plane.onCall = (call) => endCall(call, 2, "the token is for redis-1, not redis-2%21");
    const call = openCall();
    assert.equal((await call.ended)["grpc-status"], "2");
    assert.deepEqual(outcomes, [
      { path: ADS, status: 2, message: "the token is for redis-1, not redis-2!", code: undefined },
    ]);
  });

  test("an end in trailers reaches Envoy after the data before it", async () => {
    plane.onCall = (call) => {
      call.stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      call.stream.write("last words");
      endCall(call, 7, "denied");
    };
    const call = openCall();
    assert.equal((await call.ended)["grpc-status"], "7");
    assert.equal(Buffer.concat(call.received).toString(), "last words");
    assert.equal(outcomes[0]?.status, 7);
  });

  test("a refused call is not repeated at once", async () => {
    plane.onCall = (call) => endCall(call, 2, "no");
    await openCall().ended;
    const started = performance.now();
    await openCall().ended;
    assert.ok(performance.now() - started >= 200);
  });

  test("when Envoy gives a call up, so does the relay", async () => {
    const call = openCall();
    const there = await plane.opened(1);
    const closed = new Promise<void>((resolve) => there.stream.on("close", () => resolve()));
    call.stream.close(8);
    await closed;
  });

  test("GOAWAY: the next connection stands before the old calls end", async () => {
    const call = openCall();
    await plane.opened(1);
    await call.headers;
    for (const session of plane.sessions) session.goaway();
    assert.equal((await call.ended)["grpc-status"], "14");
    assert.deepEqual(ups, [false, true]);
    openCall();
    await plane.opened(2);
  });

  test("a peer that no longer answers counts as lost", async () => {
    const call = openCall();
    await plane.opened(1);
    await call.headers;
    link.freeze();
    await until(() => downs.length > 0, "loss by missing sign of life");
    assert.equal(downs[0], "no sign of life");
    link.thaw();
    assert.equal((await call.ended)["grpc-status"], "14");
  });

  test("a slow Envoy slows the control plane down instead of filling memory", async () => {
    const call = openCall();
    const there = await plane.opened(1);
    await call.headers;
    call.stream.pause();
    call.stream.removeAllListeners("data");
    const chunk = Buffer.alloc(64 * 1024);
    let taken = 0;
    while (taken < 64 * 1024 * 1024 && there.stream.write(chunk)) {
      taken += chunk.length;
      await sleep(1);
    }
    assert.ok(taken < 8 * 1024 * 1024, `${taken} bytes were taken without being read`);
    let arrived = 0;
    call.stream.on("data", (part: Buffer) => {
      arrived += part.length;
    });
    call.stream.resume();
    await until(() => arrived === taken + chunk.length, "all bytes after all");
  });

  test("a call that breaks does not disturb its neighbour", async () => {
    const first = openCall();
    const second = openCall("/envoy.service.health.v3.HealthDiscoveryService/StreamHealthCheck");
    const [, there] = [await plane.opened(1), await plane.opened(2)];
    await first.headers;
    await second.headers;
    first.stream.destroy();
    there.stream.write("still here");
    await until(() => Buffer.concat(second.received).toString() === "still here", "the other call");
  });
});
