import assert from "node:assert/strict";
import { test } from "node:test";
import { createLogger } from "../../../core/kernel/log.ts";
import { Scope } from "../../../core/kernel/scope.ts";
import { AddressResolver, lowestAddress } from "../../../core/push/address-resolver.ts";
import type { DnsAnswer } from "../../../core/push/system-dns.ts";
import { SteppedClock } from "../../support/stepped-clock.ts";

function openResolver() {
  const clock = new SteppedClock();
  const scope = new Scope("test");
  const asked: string[] = [];
  const events: string[] = [];
  const answers = new Map<string, DnsAnswer>();
  const log = createLogger({ write: (_level, event, text) => events.push(`${event}: ${text}`) });
  const resolver = new AddressResolver({
    clock,
    scope,
    log,
    resolve: async (host) => {
      asked.push(host);
      const answer = answers.get(host);
      if (!answer) throw Object.assign(new Error("no such name"), { code: "ENOTFOUND" });
      return answer;
    },
    onAddress: (host, address) => events.push(`${host} = ${address}`),
  });
  /** Moves time and lets answers arrive. */
  const pass = async (ms: number) => {
    clock.advance(ms);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { clock, scope, asked, events, answers, resolver, pass };
}

test("an answer holds for its TTL, and a change is told once", async () => {
  const { asked, events, answers, resolver, pass } = openResolver();
  answers.set("a", { addresses: ["10.0.0.1"], ttl: 30_000 });
  resolver.use("a");
  await resolver.tried();
  assert.equal(resolver.address("a"), "10.0.0.1");
  await pass(29_999);
  assert.equal(asked.length, 1);
  await pass(1);
  assert.equal(asked.length, 2);
  assert.deepEqual(events, ["a = 10.0.0.1"]);
  answers.set("a", { addresses: ["10.0.0.2"], ttl: 0 });
  await pass(30_000);
  assert.deepEqual(events, ["a = 10.0.0.1", "a = 10.0.0.2"]);
  await pass(999);
  assert.equal(asked.length, 3, "a TTL of 0 is one second");
  await pass(1);
  assert.equal(asked.length, 4);
});

test("a name that fails keeps its last answer, is asked for at growing distances and told about once", async () => {
  const { asked, events, answers, resolver, pass } = openResolver();
  answers.set("a", { addresses: ["10.0.0.1"], ttl: 1000 });
  resolver.use("a");
  await resolver.tried();
  answers.clear();
  for (const ms of [1000, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]) await pass(ms);
  assert.equal(asked.length, 9);
  assert.equal(resolver.address("a"), "10.0.0.1");
  answers.set("a", { addresses: ["10.0.0.1"], ttl: 60_000 });
  await pass(30_000);
  assert.deepEqual(events, [
    "a = 10.0.0.1",
    "dns-failed: a cannot be resolved (ENOTFOUND); the last answer, 10.0.0.1, stays in use.",
    "dns-recovered: a is found again: 10.0.0.1.",
  ]);
});

test("a name that never resolved has no address", async () => {
  const { events, resolver } = openResolver();
  resolver.use("a");
  await resolver.tried();
  assert.equal(resolver.address("a"), undefined);
  assert.match(events.join(), /gets? no traffic|get no traffic/);
});

test("names are asked for only while somebody uses them", async () => {
  const { clock, asked, answers, resolver, pass } = openResolver();
  answers.set("a", { addresses: ["10.0.0.1"], ttl: 1000 });
  resolver.use("a");
  resolver.use("a");
  await resolver.tried();
  resolver.release("a");
  await pass(1000);
  assert.equal(asked.length, 2);
  resolver.release("a");
  assert.deepEqual([resolver.size, clock.armed], [0, 0]);
  await pass(100_000);
  assert.equal(asked.length, 2);
});

test("an answer that comes when nobody wants it any more is dropped", async () => {
  const { events, answers, resolver, clock } = openResolver();
  answers.set("a", { addresses: ["10.0.0.1"], ttl: 1000 });
  resolver.use("a");
  resolver.release("a");
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([events, clock.armed], [[], 0]);
});

test("the scope ends everything", async () => {
  const { scope, answers, resolver, clock } = openResolver();
  answers.set("a", { addresses: ["10.0.0.1"], ttl: 1000 });
  resolver.use("a");
  await resolver.tried();
  await scope.close();
  assert.deepEqual([resolver.size, clock.armed], [0, 0]);
});

test("of several addresses the lowest counts, by number and IPv4 first", () => {
  assert.equal(lowestAddress(["10.0.0.10", "10.0.0.9", "fd00::1"]), "10.0.0.9");
  assert.equal(lowestAddress(["fd00::10", "fd00::9", "fd00:0:0:1::"]), "fd00::9");
  assert.equal(lowestAddress(["::2", "::1", "1::"]), "::1");
  assert.equal(lowestAddress([]), undefined);
});
