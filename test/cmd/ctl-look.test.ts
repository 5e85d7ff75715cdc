import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createEventLog } from "../../core/events/event-log.ts";
import { BoundedFailureBook } from "../../core/insight/failure-book.ts";
import { systemClock } from "../../core/kernel/clock.ts";
import { silentLogger } from "../../core/kernel/log.ts";
import type { DataplaneInsightSpec } from "../../core/model/types/dataplane-insight.ts";
import { openCtl, until } from "./ctl-rig.ts";
import { putProxy } from "./proxies.ts";

const VERSION = { kumaDp: { version: "monomesh-0.1.0" }, envoy: { version: "1.40.0" } };

function insight(sent: number, acknowledged: number, rejected = 0): DataplaneInsightSpec {
  const total = { responsesSent: sent, responsesAcknowledged: acknowledged, responsesRejected: rejected };
  return {
    subscriptions: [
      { id: "s", connectTime: 1, status: { lastUpdateTime: Date.now() - 60_000, total }, version: VERSION },
    ],
  };
}

const REJECTION = {
  type: "lds",
  resource: "inbound:192.168.0.4:9000",
  message: "Error adding/updating listener(s) inbound:192.168.0.4:9000: cannot bind: Address already in use\n",
  time: Date.now() - 60_000,
};

/** Columns of each row of a table; what is a minute ago may be some seconds more on a busy machine. */
const cells = (out: string) =>
  out
    .replaceAll(/\b1m\d+s\b/g, "1m")
    .trimEnd()
    .split("\n")
    .map((line) => line.split(/ {2,}/));

describe("get dataplanes", () => {
  it("says of each row why it is what it is", async (test) => {
    const { api, run } = await openCtl(test);
    await putProxy(api.store, "a-well", { insight: insight(4, 4) });
    await putProxy(api.store, "b-lost", {
      presence: { state: "lost", reason: "no sign of life" },
      insight: insight(4, 3),
    });
    await putProxy(api.store, "c-leaving", {
      presence: { state: "leaving", reason: "the sidecar asked to leave", open: true },
    });
    await putProxy(api.store, "d-down", { presence: { notReady: [9000] }, insight: insight(4, 4) });
    await putProxy(api.store, "e-behind", { insight: insight(5, 3) });
    await putProxy(api.store, "f-refused", { insight: { ...insight(5, 4, 1), rejections: [REJECTION] } });
    await putProxy(api.store, "g-never", { presence: false });
    await putProxy(api.store, "h-spared", {
      presence: { state: "lost", endpoints: "healthy", reason: "half of the mesh" },
    });
    const { out, err } = await run(["get", "dataplanes"]);
    assert.deepEqual(
      cells(out)
        .slice(1)
        .map((row) => [row[1], ...row.slice(4)]),
      [
        ["a-well", "Online", "1m", "1/1", "current"],
        ["b-lost", "Lost", "no, 1m", "last", "-", "no sign of life"],
        ["c-leaving", "Leaving", "1m", "0/1", "-", "the sidecar asked to leave"],
        ["d-down", "Offline", "1m", "0/1", "current", "no answer from the application behind port 9000"],
        ["e-behind", "Online", "1m", "1/1", "2 behind", "not acknowledged for 1m"],
        [
          "f-refused",
          "Online",
          "1m",
          "1/1",
          "rejected",
          "Envoy refused inbound:192.168.0.4:9000 (lds): cannot bind: Address already in use",
        ],
        ["g-never", "Offline", "no, never", "last", "-", "never connected"],
        ["h-spared", "Lost", "no, 1m", "1/1", "-", "half of the mesh"],
      ],
    );
    assert.equal(
      err,
      "8 dataplanes: 3 online, 2 lost, 1 leaving, 2 offline.  More: monomesh inspect dataplane b-lost\n",
    );
    const narrow = await run(["get", "dataplanes"], { columns: 100 });
    assert.ok(narrow.out.split("\n").every((line) => line.length <= 100));
    assert.match(narrow.out, /f-refused.*…\n/);
    const wide = await run(["get", "dataplanes", "-o", "wide"]);
    assert.match(
      wide.out,
      /TAGS +VERSIONS +WHY\n.*kuma\.io\/protocol=tcp kuma\.io\/service=redis +monomesh 0\.1\.0, Envoy 1\.40\.0\n/,
    );
  });

  it("-w in a pipe tells rows that changed, not those that only grew older", async (test) => {
    const { api, begin } = await openCtl(test);
    await putProxy(api.store, "redis-1", { insight: insight(4, 4) });
    await putProxy(api.store, "redis-2", { insight: insight(4, 4) });
    const { io, stop } = begin(["get", "dataplanes", "-w"]);
    await until(io.out, "redis-2");
    await putProxy(api.store, "redis-1", { insight: insight(9, 9) });
    await putProxy(api.store, "redis-2", { presence: { state: "lost", reason: "no sign of life" } });
    await until(io.out, "no sign of life");
    await api.delete("/meshes/default/dataplanes/redis-2");
    await until(io.out, "deleted");
    assert.equal(await stop(), 0);
    assert.deepEqual(
      cells(io.out()).map((row) => [row[1], row[4]]),
      [
        ["NAME", "STATUS"],
        ["redis-1", "Online"],
        ["redis-2", "Online"],
        ["redis-2", "Lost"],
        ["redis-2", "deleted"],
      ],
    );
  });

  it("-w on a terminal draws the table anew; one name, or JSON, can be watched too", async (test) => {
    const { api, begin, run } = await openCtl(test);
    for (let at = 0; at < 30; at++) await putProxy(api.store, `redis-${at}`, { insight: insight(4, 4) });
    const screen = begin(["get", "dataplanes", "-w"], { columns: 80 });
    await until(screen.io.out, "30 dataplanes: 30 online");
    const one = begin(["get", "dataplane", "redis-1", "-w", "-o", "json"]);
    await until(one.io.out, "redis-1");
    await putProxy(api.store, "redis-29", { presence: { state: "lost", reason: "no sign of life" } });
    await until(screen.io.out, "29 online, 1 lost");
    const last = screen.io.out().split("\u001b[23A\u001b[J").at(-1) ?? "";
    assert.equal(last.split("\n").length, 24, "it fits the 24 rows of the terminal");
    assert.match(
      last.split("\n")[1] ?? "",
      /redis-29 .*Lost/,
      "what is in trouble comes first when there is no room for all",
    );
    await putProxy(api.store, "redis-1", { presence: { state: "offline", reason: "x" } });
    await until(one.io.out, /Offline[^\n]*\n$/);
    const lines = one.io
      .out()
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    assert.ok(lines.every(({ name }) => name === "redis-1"));
    assert.equal((await run(["get", "meshes", "-w"])).code, 2);
    assert.equal((await run(["get", "dataplanes", "-w"], { calledAs: "kumactl" })).code, 2);
  });
});

it("a reader that has enough ends a watch without a word", async (test) => {
  const { api, config } = await openCtl(test);
  const main = join(import.meta.dirname, "../../cmd/main.ts");
  const line = `"${process.execPath}" "${main}" --config-file "${config}" get dataplanes -w | head -1; echo "\${PIPESTATUS[0]}"`;
  const child = spawn("bash", ["-c", line], { stdio: ["ignore", "pipe", "pipe"] });
  const ended = Promise.all([text(child.stdout), text(child.stderr)]);
  let over = false;
  void ended.then(() => {
    over = true;
  });
  for (let at = 0; !over && at < 500; at++) {
    await putProxy(api.store, "redis-1", { presence: at % 2 ? {} : { state: "lost", reason: "no sign of life" } });
    await sleep(50);
  }
  const [out, err] = await ended;
  assert.match(out, /^MESH .*\n0\n$/);
  assert.doesNotMatch(err, /EPIPE/);
});

describe("inspect dataplane", () => {
  it("tells how it is, since when and why, what comes next, and what happened", async (test) => {
    const events = createEventLog({ log: silentLogger, clock: systemClock, instance: "cp-1" });
    const failures = new BoundedFailureBook();
    const seen = { direction: "outbound", service: "web", flags: ["UH"] } as const;
    const old = new Date(Date.now() - 3_600_000).toISOString();
    const fresh = new Date().toISOString();
    failures.record({ mesh: "default", name: "redis-2" }, "i", [
      { ...seen, seq: 1, time: old },
      { ...seen, seq: 2, time: fresh },
      { ...seen, seq: 3, time: fresh, flags: ["UF"] },
      { ...seen, seq: 4, time: fresh },
    ]);
    const { api, run } = await openCtl(test, {
      events,
      failures,
      presence: {
        outlook: ({ lastSeen }) => ({ lastSeen, offlineAt: lastSeen + 300_000, deletedAt: lastSeen + 72 * 3_600_000 }),
        storeTrouble: () => undefined,
      },
    });
    await putProxy(api.store, "redis-2", {
      outbound: ["web"],
      presence: { state: "lost", reason: "no sign of life" },
      insight: insight(4, 4),
    });
    events.tell({
      kind: "lost",
      level: "warn",
      mesh: "default",
      type: "Dataplane",
      name: "redis-2",
      detail: "no sign of life",
    });
    const { code, out } = await run(["inspect", "dataplane", "redis-2"]);
    assert.equal(code, 0);
    const time = String.raw`\d\d:\d\d:\d\d`;
    const expected = [
      String.raw`redis-2, mesh default +Lost for 1m\d*s?`,
      ` {2}connected {4}no {9}since ${time}, no sign of life`,
      ` {2}healthy {6}last {7}the last choice: used only when no other of its service is left`,
      ` {2}config {7}- {10}not connected`,
      ` {2}certificate {2}none {7}mTLS is off in this mesh`,
      ` {2}last seen {4}${time}`,
      String.raw` {2}next {9}${time} Offline \(idle timeout\), .* deleted \(cleanup age\)`,
      "",
      ` {2}inbound {6}192.168.0.4:9000 -> 127.0.0.1:6379, tcp, kuma.io/service=redis`,
      ` {2}outbound {5}127.0.0.1:10000 -> web, no endpoint: nobody offers it now`,
      ` {2}runs {9}monomesh 0.1.0, Envoy 1.40.0, Direct: deleted when it leaves, from 10.0.0.4`,
      ` {2}failures {5}3 in 5m, 2 of them outbound to web: UH no healthy upstream`,
      "",
      ` {2}${time} {2}lost {7}no sign of life`,
      "",
      "Try: .*events --name redis-2.*",
    ];
    assert.match(out, new RegExp(`^${expected.join("\n")}\n$`));
    assert.ok(
      out.split("\n").every((line) => line.length <= 100),
      out,
    );
    const json = JSON.parse((await run(["inspect", "dataplane", "redis-2", "-o", "json"])).out);
    assert.deepEqual([json.status, json.events[0].kind, json.policies], ["Lost", "lost", {}]);
    assert.match((await run(["inspect", "dataplane", "nope"])).err, /could not inspect Dataplane nope.*MM404/);
  });

  it("under kumactl lists policies, and says why it cannot reach Envoy", async (test) => {
    const { api, run } = await openCtl(test);
    await putProxy(api.store, "redis-1");
    assert.equal((await run(["inspect", "dataplane", "redis-1"], { calledAs: "kumactl" })).code, 0);
    const refused = await run(["inspect", "dataplane", "redis-1", "--type=config-dump"], { calledAs: "kumactl" });
    assert.equal(refused.code, 2);
    assert.match(refused.err, /no connection to the admin interface[\s\S]*config_dump/);
  });
});

describe("wait", () => {
  it("for a service until enough of it is healthy", async (test) => {
    const { api, begin, run } = await openCtl(test);
    await putProxy(api.store, "redis-1");
    await putProxy(api.store, "redis-2", { presence: { notReady: [9000] } });
    await putProxy(api.store, "redis-extra-1", { service: "redis-extra" });
    assert.equal((await run(["wait", "service", "redis"])).code, 0);
    const late = await run(["wait", "service", "redis", "--healthy", "2", "--timeout", "1500ms"]);
    assert.equal(late.code, 1);
    assert.match(
      late.err,
      /gave up after .*: 1 of 2 redis is healthy; redis-2 Offline: no answer from the application/,
    );
    const { io, done } = begin(["wait", "service", "redis", "--healthy", "2", "--timeout", "30s"]);
    await putProxy(api.store, "redis-2");
    assert.equal(await done, 0);
    assert.match(io.err(), /2 of 2 redis are healthy/);
    assert.equal((await run(["wait", "service", "redis", "--healthy", "none"])).code, 2);
    assert.equal((await run(["wait", "service", "redis", "--timeout", "soon"])).code, 2);
  });

  it("for a Dataplane until it is there, connected and current", async (test) => {
    const { api, begin, run } = await openCtl(test);
    const missing = await run(["wait", "dataplane", "redis-1", "--timeout", "1s"]);
    assert.deepEqual([missing.code, /there is no Dataplane redis-1/.test(missing.err)], [1, true]);
    const { done } = begin(["wait", "dataplane", "redis-1"]);
    await putProxy(api.store, "redis-1", { insight: insight(4, 2) });
    await putProxy(api.store, "redis-1", { insight: insight(4, 4) });
    assert.equal(await done, 0);
  });
});
