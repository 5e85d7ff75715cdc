import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { createDiagnosticsServer } from "../../../core/api/diagnostics-server.ts";
import { silentLogger } from "../../../core/kernel/log.ts";

test("readiness, health and metrics, each with its status", async () => {
  let reason: string | undefined = "the store is being opened";
  let loaded = 0;
  await using server = createDiagnosticsServer({
    log: silentLogger,
    notReady: () => reason,
    metrics: async () => {
      loaded++;
      const { Counter, Registry } = await import("prom-client");
      const registry = new Registry();
      new Counter({ name: "things_total", help: "things", registers: [registry] }).inc(3);
      return registry;
    },
  });
  const { port } = await server.listen("127.0.0.1", 0);
  const get = async (path: string, method = "GET") => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method });
    return [answer.status, await answer.text()] as const;
  };
  assert.deepEqual(await get("/ready"), [503, "the store is being opened\n"]);
  assert.deepEqual(await get("/healthy"), [200, "healthy\n"]);
  reason = undefined;
  assert.deepEqual(await get("/ready?verbose"), [200, "ready\n"]);
  assert.deepEqual(await get("/ready", "HEAD"), [200, ""]);
  assert.equal((await get("/ready", "POST"))[0], 405);
  assert.equal((await get("/nope"))[0], 404);
  assert.equal(loaded, 0, "the metrics library is loaded with the first scrape");
  const [status, text] = await get("/metrics");
  assert.equal(status, 200);
  assert.match(text, /^things_total 3$/m);
});

test("metrics that fail do not take the server down", async () => {
  await using server = createDiagnosticsServer({
    log: silentLogger,
    notReady: () => undefined,
    metrics: () => Promise.reject(new Error("broken")),
  });
  const { port } = await server.listen("127.0.0.1", 0);
  assert.equal((await fetch(`http://127.0.0.1:${port}/metrics`)).status, 500);
  assert.equal((await fetch(`http://127.0.0.1:${port}/ready`)).status, 200);
});

test("a port in use is an error that names the setting", async (t) => {
  const other = createServer().listen(0, "127.0.0.1");
  t.after(() => other.close());
  await new Promise((resolve) => other.once("listening", resolve));
  const { port } = other.address() as AddressInfo;
  const server = createDiagnosticsServer({
    log: silentLogger,
    notReady: () => undefined,
    metrics: () => Promise.reject(),
  });
  await assert.rejects(server.listen("127.0.0.1", port), (error: Error & { code?: string; todo?: string }) => {
    assert.equal(error.code, "MM202");
    assert.match(error.message, new RegExp(`127\\.0\\.0\\.1:${port} is in use`));
    assert.match(error.todo ?? "", /MONOMESH_DIAGNOSTICS_SERVER_PORT/);
    return true;
  });
  await server.close();
});
