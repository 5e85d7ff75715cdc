import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, createServer, type IncomingMessage, request } from "node:http";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startTcpApp } from "../../cmd/demo/apps.ts";
import { eventually } from "../../cmd/demo/eventually.ts";
import { freePorts } from "../../cmd/demo/free-ports.ts";
import { openTestMesh } from "../support/mesh.ts";

const DRAIN_MS = 5000;
const SLOW_MS = 2000;

// Clients that are not in the mesh: nobody tells them that the proxy leaves, so they see it drain.
it("a draining sidecar, as clients outside the mesh see it", async (test) => {
  const { mesh, scope } = await openTestMesh(test);
  const slow = await slowApp(test);
  const [webPort = 0, redisPort = 0, redisAt = 0] = await freePorts(3);
  const redis = await startTcpApp(scope, redisAt);
  test.diagnostic(`TCP service: ${redis.label}`);
  const specs = [
    { name: "web-1", service: "web", protocol: "http", port: webPort, servicePort: slow, outbounds: new Map() },
    { name: "redis-1", service: "redis", protocol: "tcp", port: redisPort, servicePort: redisAt, outbounds: new Map() },
  ] as const;
  const [web, store] = await Promise.all(
    specs.map((spec) => mesh.startSidecar(spec, ["--drain-time=5s", `--work-dir=${join(mesh.dir, spec.name)}`])),
  );
  assert.ok(web && store);

  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const other = new Agent({ keepAlive: true });
  test.after(() => {
    for (const each of [agent, other]) each.destroy();
  });
  const before = await ask({ port: webPort, agent });
  assert.notEqual(before.headers.connection, "close");
  const http2 = connectHttp2(`http://127.0.0.1:${webPort}`);
  test.after(() => http2.destroy());
  assert.equal(await askHttp2(http2), 200);
  const goaway = once(http2, "goaway");
  const client = await openRedisClient(redisPort);
  test.after(() => client.socket.destroy());
  const unfinished = ask({ port: webPort, agent: other, path: "/slow" });
  await sleep(100);

  const signalled = Date.now();
  web.process.kill("SIGTERM");
  store.process.kill("SIGTERM");
  const admin = { socketPath: join(mesh.dir, "web-1", "kuma-envoy-admin.sock"), path: "/ready" };
  await eventually(
    () => ask(admin),
    ({ statusCode }) => statusCode === 503,
    3000,
  );
  const readiness = Number(web.events.find((each) => each.event === "ready")?.["port"]);
  assert.equal((await ask({ port: readiness, path: "/ready" })).statusCode, 503);
  const during = await ask({ port: webPort, agent });
  assert.deepEqual([during.statusCode, during.headers.connection], [200, "close"], "HTTP/1.1 is told to close");
  assert.equal(await askHttp2(http2), 200);
  await Promise.race([goaway, sleep(3000).then(() => assert.fail("HTTP/2 got no GOAWAY"))]);
  assert.equal((await ask({ port: webPort })).statusCode, 200, "a new connection is accepted");
  assert.equal((await unfinished).statusCode, 200, "a request of 2 s finishes");
  assert.ok(Date.now() - signalled >= SLOW_MS - 500);

  const closed = await client.closed;
  assert.ok(client.pongs > 10, `${client.pongs} PONGs`);
  assert.ok(closed - signalled >= DRAIN_MS - 100, `the TCP connection was cut after ${closed - signalled} ms`);
  assert.deepEqual(await Promise.all([web.exited, store.exited]), [0, 0]);
});

/** Answers after 2 s at /slow, else at once. */
async function slowApp(test: TestContext): Promise<number> {
  const app = createServer(({ url }, response) => {
    setTimeout(() => response.end("done"), url === "/slow" ? SLOW_MS : 0);
  });
  app.listen(0, "127.0.0.1");
  await once(app, "listening");
  test.after(() => void app.close());
  return (app.address() as AddressInfo).port;
}

interface Target {
  readonly port?: number;
  readonly socketPath?: string;
  readonly path?: string;
  readonly agent?: Agent;
}

async function ask(target: Target): Promise<IncomingMessage> {
  const sent = request({ host: "127.0.0.1", headers: { host: "web", connection: "keep-alive" }, ...target });
  sent.end();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  response.resume();
  await once(response, "end");
  return response;
}

async function askHttp2(session: ClientHttp2Session): Promise<number> {
  const stream = session.request({ ":path": "/" });
  const [headers] = (await once(stream, "response")) as [Record<string, number>];
  stream.resume();
  await once(stream, "end");
  return Number(headers[":status"]);
}

interface RedisClient {
  readonly socket: ReturnType<typeof connect>;
  readonly pongs: number;
  /** Wall-clock time at which the connection ended. */
  readonly closed: Promise<number>;
}

/** One connection that says PING all the time. */
async function openRedisClient(port: number): Promise<RedisClient> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  let pongs = 0;
  const timer = setInterval(() => socket.write("PING\r\n"), 100);
  socket.on("data", () => pongs++);
  socket.on("error", () => undefined);
  const closed = new Promise<number>((resolve) => {
    socket.on("close", () => {
      clearInterval(timer);
      resolve(Date.now());
    });
  });
  return {
    socket,
    closed,
    get pongs() {
      return pongs;
    },
  };
}
