import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request } from "node:http";
import { connect } from "node:net";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { rules, target, timeout, to } from "../../policy/fixtures.ts";
import { dataplane, presence } from "../../view/fixtures.ts";
import { EnvoyProcess, plainBootstrap } from "../../xds/envoy/envoy-process.ts";
import { TestEngine } from "../fixtures.ts";
import { AdsServer } from "./ads-server.ts";
import { Application, echoApplication } from "./applications.ts";

// One Envoy is both sides, as in traffic.test.ts.
const NET = `127.${10 + Math.floor(Math.random() * 200)}.${Math.floor(Math.random() * 256)}`;
/** The name in the bootstrap of `plainBootstrap`. */
const ME = "web-1";
const HERE = `${NET}.1`;
const OUT = `${NET}.2`;
const SLOW = 20_001;
const TCP = 20_004;
/** How long the application takes to answer, and less than that; milliseconds. */
const ANSWER = 400;
const LESS = "100ms";

/** Status of an answer of the slow application by way of a listener, and who made it. */
async function ask(host: string): Promise<number> {
  const sent = request({ host, port: SLOW, path: "/", agent: false });
  sent.end();
  const [response] = await once(sent, "response");
  response.resume();
  return response.statusCode;
}

/** What comes back for bytes, and whether the connection was ended by the other side within a second. */
async function talk(port: number, bytes: string): Promise<{ text: string; ended: boolean }> {
  const socket = connect(port, OUT);
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk;
  });
  socket.write(bytes);
  const ended = await Promise.race([once(socket, "end").then(() => true), sleep(1000, false)]);
  socket.destroy();
  return { text, ended };
}

/** Envoy's workers take a new configuration a moment after it is acknowledged: asks until the answer is the expected one. */
async function eventually<T>(expected: T, look: () => Promise<T>): Promise<void> {
  let seen: T | undefined;
  for (const until = Date.now() + 15_000; Date.now() < until; await sleep(50)) {
    seen = await look();
    if (seen === expected) return;
  }
  assert.equal(seen, expected);
}

describe("timeouts in a real Envoy", { timeout: 90_000 }, () => {
  const mine = new TestEngine();
  const stack = new AsyncDisposableStack();
  let server: AdsServer;

  before(async () => {
    const slow = createServer((_request, response) => {
      const timer = setTimeout(() => response.end("done"), ANSWER);
      response.on("close", () => clearTimeout(timer));
    });
    const [http, tcp] = [await Application.listen(slow), await Application.listen(echoApplication())];
    const opened = await AdsServer.open(mine.engine);
    server = opened.server;
    for (const each of [mine, http, tcp, server]) stack.use(each as AsyncDisposable);
    await mine.put(
      dataplane(ME, {
        address: HERE,
        inbound: [
          { service: "slow", port: SLOW, servicePort: http.port, protocol: "http", name: "main" },
          { service: "tcp", port: TCP, servicePort: tcp.port },
        ],
        outbound: [
          { address: OUT, port: SLOW, tags: { "kuma.io/service": "slow" } },
          { address: OUT, port: TCP, tags: { "kuma.io/service": "tcp" } },
        ],
      }),
      presence(ME, "healthy"),
    );
    stack.use(
      await EnvoyProcess.start((dir) => plainBootstrap("delta", opened.port, dir), ["--reject-unknown-dynamic-fields"]),
    );
    await eventually(200, () => ask(OUT).catch(() => 0));
  });
  after(async () => {
    await stack.disposeAsync();
    assert.deepEqual(server.nacks, []);
  });

  /** Runs with a policy in place, then takes it away and sees that the slow request passes again. */
  async function under(spec: Readonly<Record<string, unknown>>, look: () => Promise<void>): Promise<void> {
    const policy = timeout("cut", { ...target("Dataplane", { name: ME }), ...spec });
    await mine.put(policy);
    await look();
    await mine.delete(policy);
    await eventually(200, () => ask(OUT));
  }

  test("requestTimeout in to cuts a slow request with 504; without the policy it passes again", async () => {
    await under(to({ http: { requestTimeout: LESS } }, "slow"), async () => {
      await eventually(504, () => ask(OUT));
      assert.equal(await ask(HERE), 200, "the inbound has no limit of its own");
    });
  });

  test("requestTimeout in rules is the inbound's", async () => {
    await under(rules({ http: { requestTimeout: LESS } }), () => eventually(504, () => ask(HERE)));
  });

  test("a policy about another service, or another inbound, changes nothing", async () => {
    const section = { ...target("Dataplane", { sectionName: "other" }), ...rules({ http: { requestTimeout: LESS } }) };
    await under(to({ http: { requestTimeout: LESS } }, "other"), async () => {
      await mine.put(timeout("section", section));
      await sleep(200);
      assert.equal(await ask(OUT), 200);
    });
  });

  test("maxStreamDuration ends a stream that takes too long", async () => {
    await under(to({ http: { maxStreamDuration: LESS } }), async () => {
      await eventually(true, async () => (await ask(OUT)) >= 400);
    });
  });

  test("streamIdleTimeout ends a stream on which nothing happens", async () => {
    await under(to({ http: { streamIdleTimeout: LESS } }), async () => {
      await eventually(true, async () => [408, 504].includes(await ask(OUT)));
    });
  });

  test("idleTimeout closes a quiet connection of a tcp service", async () => {
    const quiet = async () => (await talk(TCP, "hello")).ended;
    assert.equal(await quiet(), false);
    await under(to({ idleTimeout: LESS }, "tcp"), () => eventually(true, quiet));
  });

  test("requestHeadersTimeout ends a request whose headers do not come", async () => {
    const half = "GET / HTTP/1.1\r\nhost: slow\r\n";
    await under(to({ http: { requestHeadersTimeout: LESS } }), () =>
      eventually(true, async () => (await talk(SLOW, half)).text.startsWith("HTTP/1.1 408")),
    );
  });
});
