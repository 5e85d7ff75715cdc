import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createEventReader, type ServerEvent } from "../../cmd/ctl/event-reader.ts";
import { createApiServer } from "../../core/api/api-server.ts";
import { createEventLog } from "../../core/events/event-log.ts";
import { systemClock } from "../../core/kernel/clock.ts";
import { silentLogger } from "../../core/kernel/log.ts";
import { apiDeps } from "../core/api/serve.ts";
import { openCtl, until } from "./ctl-rig.ts";

const news = { level: "info", mesh: "default", type: "Dataplane", detail: "service redis" } as const;
const openEvents = () => createEventLog({ log: silentLogger, clock: systemClock, instance: "cp-1" });

describe("monomesh events", () => {
  it("prints what happened, one line each, and as JSON", async (test) => {
    const events = openEvents();
    const { run } = await openCtl(test, { events });
    const nothing = await run(["events"]);
    assert.deepEqual([nothing.code, nothing.out], [0, ""]);
    assert.match(nothing.err, /No events/);
    events.tell({ ...news, kind: "joined", name: "redis-1" });
    events.tell({ ...news, kind: "refused", name: "redis-2", detail: "token is for redis-1", code: "MM311" });
    events.tell({ ...news, kind: "joined", name: "web-1", mesh: "prod" });
    const { out } = await run(["events"]);
    assert.match(
      out,
      /^\d\d:\d\d:\d\d {2}redis-1 {4}joined {5}service redis\n\d\d:\d\d:\d\d {2}redis-2 {4}refused {4}token is for redis-1 +MM311\n$/,
    );
    assert.match((await run(["events", "-A"])).out, /prod\/web-1 joined/);
    assert.match((await run(["events", "-m", "prod"])).out, /^\S+ {2}prod\/web-1 joined .*\n$/);
    const json = JSON.parse((await run(["events", "--name", "redis-2", "--since", "1h", "-o", "json"])).out);
    assert.deepEqual([json.total, json.items[0].kind, json.items[0].code], [1, "refused", "MM311"]);
    const cut = (await run(["events"], { columns: 40 })).out.split("\n");
    assert.ok(cut.every((line) => line.length <= 40));
    assert.match((await run(["events", "--since", "soon"])).err, /since: must be a duration/);
  });

  it("-w goes on, through a restart of the control plane, and tells nothing twice", async (test) => {
    const events = openEvents();
    const { api, begin } = await openCtl(test, { events });
    events.tell({ ...news, kind: "joined", name: "redis-1" });
    const { io, stop } = begin(["events", "-w"]);
    await until(io.out, "joined");
    events.tell({ ...news, kind: "lost", name: "redis-1" });
    await until(io.out, "lost");
    await api.close();
    await until(io.err, "went away; trying again");
    const restarted = createApiServer({ ...apiDeps(api.store), events });
    test.after(() => restarted.close());
    await restarted.listen("127.0.0.1", api.port);
    events.tell({ ...news, kind: "gone", name: "redis-1" });
    await until(io.out, "gone");
    assert.match(io.err(), /trying again\nconnected\n/);
    assert.equal(await stop(), 0);
    assert.equal(io.out().match(/joined/g)?.length, 1);
  });

  it("is no verb of kumactl", async (test) => {
    const { run } = await openCtl(test);
    assert.equal((await run(["events"], { calledAs: "kumactl" })).code, 2);
  });
});

describe("the reader of event streams", () => {
  it("takes any pieces, and passes over comments and what it does not know", () => {
    const text = ': hello\n\nid: a.1\nevent: event\ndata: {"a":\ndata: 1}\nretry: 5\n\n:\n\ndata: 2\n\n';
    for (const size of [1, 3, 1000]) {
      const seen: ServerEvent[] = [];
      const read = createEventReader((event) => seen.push(event));
      for (let at = 0; at < text.length; at += size) read(text.slice(at, at + size));
      assert.deepEqual(seen, [
        { name: "event", data: { a: 1 }, id: "a.1" },
        { name: "message", data: 2, id: undefined },
      ]);
    }
  });
});
