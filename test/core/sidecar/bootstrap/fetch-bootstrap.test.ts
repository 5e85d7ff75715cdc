import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, test } from "node:test";
import { systemClock } from "../../../../core/kernel/clock.ts";
import type { MeshError } from "../../../../core/kernel/errors.ts";
import { createLogger, silentLogger } from "../../../../core/kernel/log.ts";
import { type FetchOptions, fetchBootstrap } from "../../../../core/sidecar/bootstrap/fetch-bootstrap.ts";
import { ControlPlaneLink } from "../../../../core/sidecar/control-plane/control-plane-link.ts";
import { openTokenSource } from "../../../../core/sidecar/control-plane/token-source.ts";
import { TEST_CERT, TEST_KEY } from "../tls-control-plane.ts";
import { unsignedToken } from "../unsigned-token.ts";

let server: Server;
let port: number;
let requests: {
  headers: IncomingMessage["headers"];
  url: string | undefined;
  method: string | undefined;
  body: string;
}[];
let answers: ((response: ServerResponse) => void)[];
let lines: string[];

const GOOD = JSON.stringify({ bootstrap: Buffer.from(JSON.stringify({ node: { metadata: {} } })).toString("base64") });
const reply =
  (status: number, body: string, headers: Record<string, string> = {}) =>
  (response: ServerResponse) => {
    response.writeHead(status, headers).end(body);
  };

beforeEach(async () => {
  requests = [];
  answers = [];
  lines = [];
  server = createServer({ key: TEST_KEY, cert: TEST_CERT }, (request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (chunk: string) => {
      body += chunk;
    });
    request.on("end", () => {
      requests.push({ headers: request.headers, url: request.url, method: request.method, body });
      (answers.shift() ?? reply(200, GOOD))(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  port = (server.address() as AddressInfo).port;
});

afterEach(async () => {
  server.closeAllConnections();
  if (server.listening) await new Promise((resolve) => server.close(resolve));
});

async function fetch(changes: Partial<FetchOptions> = {}) {
  const token = await openTokenSource({ token: unsignedToken({ Name: "redis-1" }), file: "" }, silentLogger);
  const link = new ControlPlaneLink({
    address: `https://127.0.0.1:${port}/some/path`,
    name: "default/redis-1",
    caCert: TEST_CERT,
    skipVerify: false,
    token,
  });
  return fetchBootstrap({
    link,
    request: async () => ({ name: "redis-1" }),
    asker: { name: "redis-1", address: `127.0.0.1:${port}`, tokenGiven: true },
    indirect: false,
    mesh: "default",
    clock: systemClock,
    log: createLogger({ write: (_level, _event, text) => lines.push(text) }),
    signal: AbortSignal.timeout(10_000),
    maxBackoff: 20,
    maxDuration: 5000,
    ...changes,
  });
}

describe("asking for the bootstrap", () => {
  test("is one POST with exactly Kuma's headers, to /bootstrap whatever path the address has", async () => {
    const { skew } = await fetch();
    assert.equal(requests.length, 1);
    const { method, url, headers, body } = requests[0] as (typeof requests)[number];
    assert.deepEqual(
      [method, url, headers.accept, headers["content-type"]],
      ["POST", "/bootstrap", "application/json", "application/json"],
    );
    assert.deepEqual(JSON.parse(body), { name: "redis-1" });
    assert.ok(Math.abs(skew ?? 99_999) < 2000);
  });

  test("a clock that is wrong is noticed", async () => {
    answers.push(reply(200, GOOD, { date: new Date(Date.now() + 518_000).toUTCString() }));
    assert.ok(Math.abs(((await fetch()).skew ?? 0) - 518_000) < 2000);
  });

  test("an empty 404 is waited for, with a line that says what for", async () => {
    answers.push(reply(404, ""), reply(404, ""));
    await fetch({ indirect: true });
    assert.equal(requests.length, 3);
    assert.deepEqual(lines, [
      "waiting for Dataplane redis-1 in mesh default: the control plane does not have it yet (monomesh apply -f FILE makes it)",
    ]);
  });

  test("5xx and a cut connection are tried again; each new reason is a line", async () => {
    answers.push(reply(500, ""), reply(500, ""), reply(503, "store away"), (response) => response.destroy());
    await fetch();
    assert.equal(requests.length, 5);
    assert.equal(lines.length, 3);
    assert.match(lines[1] ?? "", /store away \(status 503\)/);
  });

  const refused: [string, (response: ServerResponse) => void, string, RegExp][] = [
    [
      "the control plane's words, with its code",
      reply(403, "the token is for redis-2. Make one: x (MM311)"),
      "MM311",
      /refused redis-1: the token is for redis-2\. Nothing was started\.$/,
    ],
    [
      "a stock control plane's words",
      reply(422, 'mesh: mesh "nope" does not exist'),
      "MM700",
      /refused redis-1: mesh: mesh "nope" does not exist\. Nothing/,
    ],
    ["an empty 400", reply(400, ""), "MM700", /status 400/],
    [
      "the REST port over TLS",
      reply(404, '{"title":"not found"}', { "content-type": "application/json" }),
      "MM121",
      /has no \/bootstrap/,
    ],
    ["Kuma's word for a wrong port", reply(404, "404: Page Not Found\n"), "MM121", /has no \/bootstrap/],
    ["something that is no bootstrap", reply(200, "hello"), "MM121", /is no bootstrap/],
  ];
  for (const [what, answer, code, message] of refused) {
    test(`is refused at once: ${what}`, async () => {
      answers.push(answer);
      await assert.rejects(fetch(), (error: MeshError) => error.code === code && message.test(error.message));
      assert.equal(requests.length, 1);
    });
  }

  test("is given up after its time, with the last reason", async () => {
    // Where nothing can ever listen: a port that was just freed is soon that of another test.
    port = 1;
    await assert.rejects(
      fetch({ maxDuration: 150 }),
      (error: MeshError) => error.code === "MM120" && /nothing listens at .* Given up after/.test(error.message),
    );
    assert.equal(lines.length, 1);
  });

  test("stops waiting when it is told to", async () => {
    answers = Array.from({ length: 100 }, () => reply(404, ""));
    const stop = new AbortController();
    const fetching = fetch({ signal: stop.signal });
    setTimeout(() => stop.abort(), 60);
    await assert.rejects(fetching, { name: "AbortError" });
  });
});
