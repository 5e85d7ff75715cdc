import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../../core/kernel/clock.ts";
import { createSystemDns } from "../../../core/push/system-dns.ts";

const { signal } = new AbortController();

test("a name of the hosts file is found, with the TTL that is configured for names without one", async () => {
  const resolve = createSystemDns({ clock: systemClock, cacheTtl: 1234 });
  const { addresses, ttl } = await resolve("localhost", signal);
  assert.ok(addresses.includes("127.0.0.1") || addresses.includes("::1"));
  assert.ok(ttl >= 0);
});

test("a name that nobody knows is an error with a code", async () => {
  const resolve = createSystemDns({ clock: systemClock });
  await assert.rejects(resolve("there-is-no.such-name.invalid", signal), (error: { code?: unknown }) => {
    return typeof error.code === "string";
  });
});
