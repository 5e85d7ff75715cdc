import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createEventReader, type ServerEvent } from "../../../cmd/ctl/event-reader.ts";
import { createMemoryStore } from "../../../plugins/store-memory/memory-store.ts";
import { redis, type Served, serve } from "./serve.ts";

// biome-ignore lint/suspicious/noExplicitAny: a body as it came
type Body = any;

async function watch(t: TestContext, api: Served, path: string) {
  const controller = new AbortController();
  const seen: ServerEvent[] = [];
  const answer = await fetch(`${api.url}${path}`, { signal: controller.signal });
  const read = createEventReader((event) => seen.push(event));
  const ended = (async () => {
    for await (const part of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) read(part);
  })().catch(() => undefined);
  t.after(() => controller.abort());
  const told = () => seen.map(({ name, data }) => `${name} ${(data as Body).name ?? ""}`.trim());
  const until = async (condition: () => boolean) => {
    for (let tries = 0; tries < 1000 && !condition(); tries++) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.ok(condition(), told().join(", "));
  };
  return { seen, told, until, ended, leave: () => controller.abort(), status: answer.status };
}

const PRESENCE = {
  state: "lost",
  since: 0,
  reason: "no sign of life",
  endpoints: "degraded",
  notReady: [],
  incarnation: "i",
  displaced: [],
  instance: "cp",
  epoch: 1,
  open: false,
  peer: "10.0.0.1:1",
  lifecycle: "direct",
  ownsDataplane: true,
  lastSeen: 0,
  lastSeenObserved: 0,
};

test("a watch tells what is there, then what changes and goes, each as a whole overview", async (t) => {
  const api = await serve(t);
  await api.put("/meshes/default/dataplanes/redis-1", redis());
  await api.put("/meshes/default/dataplanes/redis-2", redis("redis-2"));
  const { seen, told, until } = await watch(t, api, "/meshes/default/dataplanes/_overview?watch");
  await until(() => told().includes("now"));
  assert.deepEqual(told(), ["put redis-1", "put redis-2", "now"]);
  const [listed] = (await api.get("/meshes/default/dataplanes/_overview")).json.items;
  assert.deepEqual(seen[0]?.data, listed);
  const key = { mesh: "default", name: "redis-2", labels: {} };
  await api.store.put({ ...key, type: "DataplanePresence", spec: PRESENCE });
  await until(() => seen.length > 3);
  assert.equal((seen.at(3) as Body).data.status, "Lost");
  await api.put("/meshes/prod", { type: "Mesh", name: "prod" });
  await api.put("/meshes/prod/dataplanes/redis-9", { ...redis("redis-9"), mesh: "prod" });
  await api.delete("/meshes/default/dataplanes/redis-1");
  await until(() => told().includes("delete redis-1"));
  assert.ok(!told().join().includes("redis-9"), "another mesh");
});

test("a watch with a filter tells those that begin and end to fit", async (t) => {
  const api = await serve(t);
  const { told, until } = await watch(t, api, "/dataplanes/_overview?watch&tag=kuma.io/service:web");
  await until(() => told().includes("now"));
  const put = (service: string) =>
    api.put(
      "/meshes/default/dataplanes/a",
      redis("a", { inbound: [{ port: 80, tags: { "kuma.io/service": service } }] }),
    );
  await put("redis");
  await put("web");
  await until(() => told().includes("put a"));
  await put("redis");
  await until(() => told().includes("delete a"));
  assert.deepEqual(told(), ["now", "put a", "delete a"]);
});

test("when changes are no longer kept, everything comes again", async (t) => {
  const api = await serve(t, { store: createMemoryStore() });
  await api.put("/meshes/default/dataplanes/redis-1", redis());
  let fail: (error: Error) => void = () => undefined;
  const original = api.store.watch.bind(api.store);
  t.mock.method(api.store, "watch", async function* (...args: Parameters<typeof original>) {
    const broken = new Promise<never>((_, reject) => {
      fail = reject;
    });
    const iterator = original(...args)[Symbol.asyncIterator]();
    for (;;) {
      const next = await Promise.race([iterator.next(), broken]);
      if (next.done) return;
      yield next.value;
    }
  });
  const { told, until } = await watch(t, api, "/dataplanes/_overview?watch");
  await until(() => told().includes("now"));
  fail(new Error("the store went away"));
  await until(() => told().filter((each) => each === "now").length === 2);
  assert.deepEqual(told(), ["put redis-1", "now", "reset", "put redis-1", "now"]);
});

test("the store is followed only while somebody watches", async (t) => {
  const api = await serve(t);
  const signals: AbortSignal[] = [];
  const original = api.store.watch.bind(api.store);
  t.mock.method(api.store, "watch", (revision: number, signal: AbortSignal) => {
    signals.push(signal);
    return original(revision, signal);
  });
  const first = await watch(t, api, "/dataplanes/_overview?watch");
  const second = await watch(t, api, "/dataplanes/_overview?watch");
  await first.until(() => first.told().includes("now") && second.told().includes("now"));
  assert.equal(signals.length, 1, "once for both");
  first.leave();
  second.leave();
  await first.until(() => signals[0]?.aborted === true);
});

test("a watch of pages or of an unknown mesh is refused", async (t) => {
  const api = await serve(t);
  assert.equal((await api.get("/dataplanes/_overview?watch&size=5")).status, 400);
  assert.equal((await api.get("/meshes/nope/dataplanes/_overview?watch")).status, 404);
});
