import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { createEventLog } from "../../../core/events/event-log.ts";
import { systemClock } from "../../../core/kernel/clock.ts";
import { silentLogger } from "../../../core/kernel/log.ts";
import type { RevisionRange } from "../../../core/push/configurations.ts";
import { redis, serve } from "./serve.ts";

// biome-ignore lint/suspicious/noExplicitAny: a body as it came
type Body = any;

async function openEvents(t: Parameters<typeof serve>[0]) {
  const events = createEventLog({ log: silentLogger, clock: systemClock, instance: "cp-1-ab12" });
  const asked: (RevisionRange & { mesh: string })[] = [];
  const api = await serve(t, {
    events,
    configurations: {
      freshness: () => undefined,
      applied: async (mesh, revisions) => {
        asked.push({ mesh, ...revisions });
        return { concerned: 2, acknowledged: 1, missing: ["cart-1"], took: 41 };
      },
    },
  });
  return { events, asked, api };
}

test("who changed what, and how many proxies took it over", async (t) => {
  const { api, asked } = await openEvents(t);
  await api.put("/meshes/default/dataplanes/redis-1", redis());
  const { revision } = (await api.store.get({ type: "Dataplane", mesh: "default", name: "redis-1" })) as {
    revision: number;
  };
  await api.put("/meshes/default/dataplanes/redis-1", redis());
  await api.delete("/meshes/default/dataplanes/redis-1");
  await api.put("/meshes/prod", { type: "Mesh", name: "prod" });
  await api.delete("/meshes/default/dataplanes/redis-1");
  const { json } = await api.get("/_events");
  assert.deepEqual(
    json.items.map((event: Body) => [event.id, event.kind, event.mesh, event.type, event.name, event.user]),
    [
      ["cp-1-ab12.1", "created", "default", "Dataplane", "redis-1", "mesh-system:admin"],
      ["cp-1-ab12.2", "updated", "default", "Dataplane", "redis-1", "mesh-system:admin"],
      ["cp-1-ab12.3", "deleted", "default", "Dataplane", "redis-1", "mesh-system:admin"],
      ["cp-1-ab12.4", "created", "", "Mesh", "prod", "mesh-system:admin"],
    ],
    "a request that was refused changed nothing",
  );
  assert.deepEqual(asked.slice(0, 3), [
    { mesh: "default", from: revision, to: revision },
    { mesh: "default", from: revision + 1, to: revision + 1 },
    { mesh: "default", from: revision + 2, to: revision + 2 },
  ]);
  assert.equal(asked[3]?.mesh, "prod", "a mesh concerns its own proxies");
  const [first] = json.items;
  assert.equal(
    first.detail,
    "Dataplane, by mesh-system:admin from 127.0.0.1; acknowledged by 1 of 2 proxies in 41ms; not yet by cart-1",
  );
  assert.deepEqual(first.outcome, { concerned: 2, acknowledged: 1, missing: ["cart-1"], took: 41 });
  assert.ok(Math.abs(Date.parse(first.time) - Date.now()) < 60_000);
  assert.equal((await api.get("/_events?mesh=prod")).json.total, 1);
  assert.equal((await api.get("/_events?name=redis-1&size=2")).json.items[0].kind, "updated");
  assert.equal((await api.get("/_events?since=1h&after=cp-1-ab12.3")).json.items[0].name, "prod");
  assert.equal((await api.get("/_events?since=2100-01-01T00:00:00Z")).json.total, 0);
});

test("parameters that mean nothing are refused", async (t) => {
  const { api } = await openEvents(t);
  for (const [query, field] of [
    ["since=yesterday", "since"],
    ["since=-1h", "since"],
    ["watch=maybe", "watch"],
    ["size=0", "size"],
    ["mesh=a&mesh=b", "mesh"],
  ] as const) {
    const { status, json } = await api.get(`/_events?${query}`);
    assert.deepEqual([status, json.invalid_parameters[0].field], [400, field], query);
  }
});

test("a watch begins with what was and goes on with what happens, and ends with the server", async (t) => {
  const { api, events } = await openEvents(t);
  const news = { level: "info", mesh: "default", type: "Dataplane", detail: "" } as const;
  events.tell({ ...news, kind: "joined", name: "redis-1" });
  const answer = await fetch(`${api.url}/_events?watch&name=redis-1`);
  assert.equal(answer.headers.get("content-type"), "text/event-stream");
  const chunks = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const until = async (part: string) => {
    while (!text.includes(part)) {
      const chunk = await chunks?.read();
      assert.ok(chunk && !chunk.done, `the stream ended before ${part}: ${text}`);
      text += chunk.value;
    }
  };
  await until("event: now");
  assert.match(text, /id: cp-1-ab12\.1\nevent: event\ndata: \{"id":"cp-1-ab12\.1",.*"kind":"joined".*\}\n\n/);
  events.tell({ ...news, kind: "lost", name: "redis-2" });
  events.tell({ ...news, kind: "gone", name: "redis-1" });
  await until('"kind":"gone"');
  assert.doesNotMatch(text, /redis-2/);
  await api.close();
  assert.equal((await chunks?.read())?.done, true);
});

test("there is an end to the number of readers; one that leaves makes room", async (t) => {
  const { api } = await openEvents(t);
  const readers: AbortController[] = [];
  const open = async () => {
    const controller = new AbortController();
    const { status } = await fetch(`${api.url}/_events?watch`, { signal: controller.signal });
    readers.push(controller);
    return status;
  };
  t.after(() => {
    for (const reader of readers) reader.abort();
  });
  const statuses = await Promise.all(Array.from({ length: 200 }, open));
  assert.ok(statuses.every((status) => status === 200));
  assert.equal(await open(), 429);
  readers[0]?.abort();
  let status = 429;
  for (let tries = 0; tries < 500 && status === 429; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    status = await open();
  }
  assert.equal(status, 200);
});

test("a reader that reads nothing is cut off", async (t) => {
  const { api, events } = await openEvents(t);
  const socket = connect(api.port, "127.0.0.1");
  t.after(() => socket.destroy());
  const closed = once(socket, "close");
  socket.on("error", () => undefined);
  socket.write(`GET /_events?watch HTTP/1.1\r\nHost: localhost:${api.port}\r\n\r\n`);
  await once(socket, "readable");
  const news = {
    kind: "lost",
    level: "warn",
    mesh: "default",
    type: "Dataplane",
    name: "a",
    detail: "x".repeat(900),
  } as const;
  for (let at = 0; at < 15_000; at++) {
    events.tell(news);
    if (at % 500 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  let read = 0;
  socket.on("data", (chunk: Buffer) => {
    read += chunk.length;
  });
  await closed;
  assert.ok(read > 100_000 && read < 15_000_000, `what was not sent was not kept for it: ${read} bytes`);
});
