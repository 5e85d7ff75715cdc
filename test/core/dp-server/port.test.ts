import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect as connectPlain } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import { loadServerIdentity } from "../../../core/ca/server-identity.ts";
import { systemClock } from "../../../core/kernel/clock.ts";
import { silentLogger } from "../../../core/kernel/log.ts";
import { Newcomers } from "../../../core/kernel/newcomers.ts";
import { Turns } from "../../../core/kernel/turns.ts";
import { createMemoryStore } from "../../../plugins/store-memory/memory-store.ts";
import { bootstrap, call, JSON_HEADERS, kumaDpRequest } from "./http-client.ts";
import { dataplaneDraft, ServerBench } from "./server-bench.ts";

async function tls(bench: ServerBench, options: ConnectionOptions = {}) {
  const socket = connectTls({ host: "127.0.0.1", port: bench.port, ca: bench.ca.certificate, ...options });
  await once(socket, "secureConnect");
  return socket;
}

async function readAll(socket: AsyncIterable<Buffer>): Promise<string> {
  let text = "";
  for await (const chunk of socket) text += chunk.toString();
  return text;
}

describe("the TLS port", () => {
  it("gives http/1.1 to whoever offers it, h2 to the rest", async () => {
    await using bench = await ServerBench.open();
    for (const [offered, agreed] of [
      [["h2", "http/1.1"], "http/1.1"],
      [["http/1.1"], "http/1.1"],
      [["h2"], "h2"],
      [[], false],
    ] as const) {
      const socket = await tls(bench, { ALPNProtocols: [...offered] });
      assert.equal(socket.alpnProtocol, agreed);
      socket.destroy();
    }
  });

  it("tells plain HTTP that it wants TLS", async () => {
    await using bench = await ServerBench.open();
    const socket = connectPlain(bench.port, "127.0.0.1");
    socket.write("GET /meshes HTTP/1.1\r\nhost: x\r\n\r\n");
    const reply = await readAll(socket);
    assert.match(reply, /^HTTP\/1\.1 400 Bad Request\r\n/);
    assert.match(reply, /This port speaks TLS: use https:\/\/\. .*5681/);
  });

  it("survives noise, half a handshake and silence that ends", async () => {
    await using bench = await ServerBench.open();
    for (const bytes of [Buffer.from([0]), Buffer.from([0x16, 3, 1, 0, 5, 1, 2, 3, 4, 5, 6, 7]), Buffer.alloc(0)]) {
      const socket = connectPlain(bench.port, "127.0.0.1");
      await once(socket, "connect");
      socket.on("error", () => undefined);
      socket.end(bytes);
      socket.resume();
      await once(socket, "close");
    }
    assert.equal((await bootstrap(bench, kumaDpRequest())).status, 200);
  });

  it("drops who connects and says nothing, or never finishes its headers", { timeout: 20_000 }, async () => {
    await using bench = await ServerBench.open();
    const silent = connectPlain(bench.port, "127.0.0.1");
    const slow = await tls(bench);
    slow.on("error", () => undefined);
    slow.write("POST /bootstrap HTTP/1.1\r\nhost: x\r\n");
    const drip = setInterval(() => slow.write("x: y\r\n"), 500);
    slow.resume();
    silent.resume();
    const startedAt = Date.now();
    await Promise.all([once(silent, "close"), once(slow, "close")]);
    clearInterval(drip);
    const took = Date.now() - startedAt;
    assert.ok(took > 4000 && took < 8000, `${took}`);
  });

  it("says where it is when another path is asked for", async () => {
    await using bench = await ServerBench.open();
    const reply = await call(bench, { method: "GET", path: "/meshes" });
    assert.equal(reply.status, 404);
    assert.match(reply.body, /there is no \/meshes here.*5681/);
  });

  it("refuses a body of more than 1 MB, announced or not", async () => {
    await using bench = await ServerBench.open();
    const large = JSON.stringify(kumaDpRequest({ padding: "x".repeat(1024 * 1024) }));
    const announced = await call(bench, {
      body: large,
      headers: { "content-length": String(Buffer.byteLength(large)) },
    });
    assert.equal(announced.status, 413);
    assert.match(announced.body, /larger than 1 MB/);
    const chunked = await call(bench, { body: large, headers: { "transfer-encoding": "chunked" } });
    assert.equal(chunked.status, 413);
    const fits = JSON.stringify(kumaDpRequest({ padding: "x".repeat(1000 * 1024) }));
    assert.equal((await call(bench, { body: fits, headers: JSON_HEADERS })).status, 200);
  });

  it("shows a new certificate to new connections and keeps the old ones", async () => {
    await using bench = await ServerBench.open();
    const old = await tls(bench, { ALPNProtocols: ["h2"] });
    const workDir = await mkdtemp(join(tmpdir(), "identity-"));
    const options = { store: createMemoryStore(), workDir, hosts: [], clock: systemClock, log: silentLogger };
    const next = await loadServerIdentity(options);
    await rm(workDir, { recursive: true });
    bench.renew(next.identity);
    const fresh = await tls(bench, { ca: next.certificate, ALPNProtocols: ["h2"] });
    assert.equal(fresh.alpnProtocol, "h2");
    assert.notEqual(fresh.getPeerCertificate().fingerprint256, old.getPeerCertificate().fingerprint256);
    assert.equal(old.destroyed, false);
    await assert.rejects(tls(bench), /certificate|signature/);
    fresh.destroy();
    old.destroy();
  });

  it("names the port that is taken", async () => {
    await using bench = await ServerBench.open();
    const { openTlsPort } = await import("../../../core/dp-server/tls-port.ts");
    const { Scope } = await import("../../../core/kernel/scope.ts");
    const scope = new Scope("second");
    const second = openTlsPort({
      host: "127.0.0.1",
      port: bench.port,
      identity: bench.ca.identity,
      scope,
      clock: systemClock,
      log: silentLogger,
      turns: new Turns(systemClock),
      newcomers: new Newcomers(systemClock),
      onHttp1: () => undefined,
      onHttp2: () => undefined,
    });
    await assert.rejects(second, {
      code: "MM202",
      message: new RegExp(`:${bench.port} is in use by another process`),
      where: "dpServer.port",
    });
    await scope.close();
  });
});

describe("POST /leave and /left", () => {
  const leave = (bench: ServerBench, path: string, body: unknown, token?: string) =>
    call(bench, { path, body: JSON.stringify(body), headers: token === undefined ? {} : { authorization: token } });
  const who = { mesh: "default", name: "redis", incarnation: "i-1" };

  it("tells presence and answers who has not confirmed", async () => {
    await using bench = await ServerBench.open();
    await bench.store.put(dataplaneDraft("redis"));
    const reply = await leave(bench, "/leave", who, "for:redis");
    assert.equal(reply.status, 200, reply.body);
    const { tookMs, ...rest } = JSON.parse(reply.body);
    assert.deepEqual(rest, { consumers: 3, missing: ["web-2"] });
    assert.ok(Number.isInteger(tookMs) && tookMs >= 0);
    assert.equal((await leave(bench, "/left", who, "Bearer for:redis")).status, 200);
    assert.deepEqual(bench.calls, ["leave default.redis i-1", "left default.redis i-1"]);
  });

  it("is a success without effect for a proxy that does not exist", async () => {
    await using bench = await ServerBench.open();
    for (const path of ["/leave", "/left"]) {
      const reply = await leave(bench, path, who);
      assert.equal(reply.status, 200);
      assert.equal(JSON.parse(reply.body).consumers, 0);
    }
    assert.deepEqual(bench.calls, []);
  });

  it("refuses wrong tokens and wrong requests", async () => {
    await using bench = await ServerBench.open();
    await bench.store.put(dataplaneDraft("redis"));
    for (const [body, token, status, text] of [
      [who, undefined, 401, /has no token/],
      [who, "for:web", 403, /for web, not redis/],
      [{ mesh: "default" }, "for:redis", 422, /^name: is required, as text; incarnation: is required/],
      [[], "for:redis", 400, /^$/],
    ] as const) {
      const reply = await leave(bench, "/leave", body, token);
      assert.equal(reply.status, status, reply.body);
      assert.match(reply.body, text);
    }
    assert.deepEqual(bench.calls, []);
  });
});
