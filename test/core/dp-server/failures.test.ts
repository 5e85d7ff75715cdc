import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { call } from "./http-client.ts";
import { dataplaneDraft, ServerBench } from "./server-bench.ts";

const WHO = { mesh: "default", name: "redis-1", incarnation: "i-1" };
const PROXY = { mesh: "default", name: "redis-1" };
const FAILURE = {
  seq: 1,
  time: "2026-11-27T20:00:00.000Z",
  direction: "inbound",
  service: "redis",
  method: "GET",
  path: "/",
  status: 503,
  answeredBy: "sidecar",
  flags: ["UF"],
  details: "connection_failure",
  durationMs: 12,
};

const report = (bench: ServerBench, body: unknown, token?: string) =>
  call(bench, {
    path: "/failures",
    headers: token ? { authorization: token } : {},
    body: typeof body === "string" ? body : JSON.stringify(body),
  });

async function openBench(): Promise<ServerBench> {
  const bench = await ServerBench.open();
  await bench.store.put({ ...dataplaneDraft("redis-1", "redis") });
  return bench;
}

describe("POST /failures", () => {
  it("keeps what is new, however often it is sent", async () => {
    await using bench = await openBench();
    for (const kept of [1, 0]) {
      const reply = await report(bench, { ...WHO, failures: [FAILURE] }, "for:redis");
      assert.deepEqual([reply.status, JSON.parse(reply.body)], [200, { kept }]);
    }
    assert.deepEqual(bench.failures.read(PROXY), [FAILURE]);
  });

  it("takes over known fields only, of bounded length", async () => {
    await using bench = await openBench();
    const odd = {
      ...FAILURE,
      path: "/".repeat(5000),
      status: "503",
      answeredBy: "somebody",
      cookie: "secret",
      flags: Array.from({ length: 100 }, () => "X".repeat(100)),
    };
    assert.equal((await report(bench, { ...WHO, failures: [odd] }, "for:redis")).status, 200);
    const [kept] = bench.failures.read(PROXY) ?? [];
    assert.equal(kept?.path?.length, 400);
    assert.deepEqual([kept?.flags.length, kept?.flags[0]?.length], [30, 20]);
    assert.deepEqual([kept?.status, kept?.answeredBy], [undefined, undefined]);
    assert.doesNotMatch(JSON.stringify(kept), /secret/);
  });

  it("refuses strangers and what is no report, and keeps nothing of it", async () => {
    await using bench = await openBench();
    for (const [body, token, status] of [
      [{ ...WHO, failures: [FAILURE] }, undefined, 401],
      [{ ...WHO, failures: [FAILURE] }, "for:backend", 403],
      [{ mesh: "default", failures: [] }, "for:redis", 422],
      [{ ...WHO, failures: "many" }, "for:redis", 422],
      [{ ...WHO, failures: [FAILURE, { ...FAILURE, seq: -1 }] }, "for:redis", 422],
      [{ ...WHO, failures: [{ ...FAILURE, time: "yesterday" }] }, "for:redis", 422],
      [{ ...WHO, failures: Array.from({ length: 201 }, () => FAILURE) }, "for:redis", 422],
      ["no json", "for:redis", 400],
    ] as const) {
      assert.equal((await report(bench, body, token)).status, status, JSON.stringify(body).slice(0, 100));
    }
    assert.equal(bench.failures.read(PROXY), undefined);
  });

  it("of a proxy that does not exist are nothing to keep", async () => {
    await using bench = await openBench();
    const reply = await report(bench, { ...WHO, name: "other", failures: [FAILURE] }, "for:redis");
    assert.deepEqual([reply.status, JSON.parse(reply.body)], [200, { kept: 0 }]);
    assert.equal(bench.failures.read({ mesh: "default", name: "other" }), undefined);
  });
});
