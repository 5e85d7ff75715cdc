import assert from "node:assert/strict";
import { test } from "node:test";
import type { EventNews, MeshEvent } from "../../../core/events/event.ts";
import { createEventLog, type EventLog } from "../../../core/events/event-log.ts";
import { outcomeText } from "../../../core/events/event-text.ts";
import { createLogger } from "../../../core/kernel/log.ts";
import { ManualClock } from "../../support/manual-clock.ts";

function open(keep?: number) {
  const lines: unknown[] = [];
  const log = createLogger({
    write: (level, event, text, fields) => void lines.push({ level, event, text, ...fields }),
  });
  const clock = new ManualClock(1_000_000);
  return { lines, clock, events: createEventLog({ log, clock, instance: "cp-1", keep }) };
}

const joined: EventNews = {
  kind: "joined",
  level: "info",
  mesh: "default",
  type: "Dataplane",
  name: "redis-1",
  detail: "x",
};

function names(events: EventLog, query?: Parameters<EventLog["list"]>[0]): string[] {
  return events.list(query).map(({ name }) => name);
}

test("an event is a line in the log and an entry in the list, with its time and an id", () => {
  const { events, lines, clock } = open();
  events.tell({ ...joined, code: "MM710" });
  assert.deepEqual(lines, [
    {
      level: "info",
      event: "joined",
      text: "redis-1    joined     x",
      mesh: "default",
      dataplane: "redis-1",
      code: "MM710",
    },
  ]);
  assert.deepEqual(events.list(), [{ ...joined, code: "MM710", id: "cp-1.1", time: clock.now() }]);
});

test("lines name the mesh unless it is the default one, and a mesh as a whole", () => {
  const { events, lines } = open();
  events.tell({ ...joined, mesh: "prod" });
  events.tell({ ...joined, kind: "mass-loss", type: "", name: "", detail: "30 proxies" });
  events.tell({ ...joined, mesh: "", type: "Mesh", name: "prod", kind: "created" });
  const texts = lines.map((line) => (line as { text: string }).text.replaceAll(/ +/g, " "));
  assert.deepEqual(texts, ["prod/redis-1 joined x", "mesh default mass-loss 30 proxies", "prod created x"]);
});

test("what only developers want is not kept", () => {
  const { events, lines } = open();
  events.tell({ ...joined, level: "debug" });
  assert.equal(events.list().length, 0);
  assert.equal(lines.length, 0, "the log's threshold is info");
});

test("only the newest are kept, and a list asks by mesh, name, time, the last one seen and number", async () => {
  const { events, clock } = open(5);
  for (let at = 0; at < 8; at++) {
    events.tell({ ...joined, name: `p-${at}`, mesh: at % 2 ? "odd" : "even" });
    await clock.advance(1000);
  }
  assert.deepEqual(names(events), ["p-3", "p-4", "p-5", "p-6", "p-7"]);
  assert.deepEqual(names(events, { mesh: "odd" }), ["p-3", "p-5", "p-7"]);
  assert.deepEqual(names(events, { name: "p-4" }), ["p-4"]);
  assert.deepEqual(names(events, { since: 1_006_000 }), ["p-6", "p-7"]);
  assert.deepEqual(names(events, { after: "cp-1.6" }), ["p-6", "p-7"]);
  assert.deepEqual(
    names(events, { after: "cp-1.1" }),
    ["p-3", "p-4", "p-5", "p-6", "p-7"],
    "what is not kept is not missed",
  );
  assert.deepEqual(names(events, { after: "cp-0.7" }).length, 5, "an id of an earlier start says nothing");
  assert.deepEqual(names(events, { after: "cp-1.x" }).length, 5);
  assert.deepEqual(names(events, { limit: 2 }), ["p-6", "p-7"]);
});

test("strangers who are refused do not push out the rest, nor write on the terminal", () => {
  const { events, lines } = open(8);
  events.tell({ ...joined, name: "redis-1" });
  for (let at = 0; at < 20; at++)
    events.tell({ ...joined, kind: "refused", name: `\u001b[2J${at}\nfake`, detail: "no\ttoken" });
  events.tell({ ...joined, name: "redis-2" });
  assert.equal(names(events).length, 8);
  assert.deepEqual([names(events)[0], names(events).at(-1)], ["redis-1", "redis-2"]);
  assert.equal(names(events, { after: "cp-1.21" }).join(), "redis-2");
  assert.equal((lines[1] as { text: string }).text, "[2J0 fake  refused    no token");
});

test("watchers are told until they have enough", () => {
  const { events } = open();
  const seen: MeshEvent[] = [];
  {
    using _watch = events.watch((event) => void seen.push(event));
    events.tell(joined);
  }
  events.tell(joined);
  assert.deepEqual(
    seen.map(({ id }) => id),
    ["cp-1.1"],
  );
});

test("an outcome says how many proxies took a change over, and names who did not", () => {
  assert.equal(outcomeText({ concerned: 0, acknowledged: 0, missing: [], took: 3 }), "");
  assert.equal(outcomeText({ concerned: 1, acknowledged: 1, missing: [], took: 3 }), "acknowledged by 1 proxy in 3ms");
  assert.equal(
    outcomeText({ concerned: 24, acknowledged: 23, missing: ["cart-1"], took: 2000 }),
    "acknowledged by 23 of 24 proxies in 2s; not yet by cart-1",
  );
  const missing = ["a", "b", "c", "d", "e"];
  assert.match(outcomeText({ concerned: 5, acknowledged: 0, missing, took: 1 }), /not yet by a, b, c and 2 more$/);
});
