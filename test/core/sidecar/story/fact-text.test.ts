import assert from "node:assert/strict";
import { type AddressInfo, createServer } from "node:net";
import { describe, test } from "node:test";
import { dataplaneType } from "../../../../core/model/types/dataplane.ts";
import { trafficText } from "../../../../core/sidecar/drain.ts";
import {
  inboundFacts,
  momentText,
  outboundFacts,
  secondsText,
  skewText,
  tokenText,
} from "../../../../core/sidecar/story/fact-text.ts";

const NOW = new Date(2026, 10, 24, 14, 1, 2).getTime();
const at = (days: number) => new Date(2026, 10, 24 + days, 14, 1).getTime();
const spec = (networking: Record<string, unknown>) =>
  dataplaneType.parse({ networking: { address: "127.0.0.1", ...networking } }).spec;

test("moments as a person says them", () => {
  assert.equal(momentText(at(0), NOW), "14:01");
  assert.equal(momentText(at(1), NOW), "tomorrow 14:01");
  assert.equal(momentText(at(2), NOW), "26 Nov 14:01");
  assert.equal(momentText(at(365), NOW), "24 Nov 2027");
});

test("tokens, clocks, times, traffic", () => {
  const claims = { name: "backend-1", mesh: "default", expiresAt: at(1), notBefore: undefined, cpCa: [] };
  assert.equal(tokenText(claims, NOW), "for backend-1, until tomorrow 14:01");
  assert.equal(
    tokenText({ ...claims, name: "", expiresAt: undefined }, NOW),
    "for every Dataplane that its tags allow, without end",
  );
  assert.equal(skewText(1900), "");
  assert.equal(skewText(518_000), ", clocks differ by 518 s: this machine is late");
  assert.equal(skewText(-4200), ", clocks differ by 4.20 s: this machine is early");
  assert.deepEqual([secondsText(483), secondsText(31_400)], ["0.48 s", "31 s"]);
  assert.equal(trafficText({ connections: 9, requests: 3, connectionsEver: 9 }), "3 requests in flight");
  assert.equal(trafficText({ connections: 1, requests: 0, connectionsEver: 9 }), "1 connection open");
  assert.equal(trafficText({ connections: 0, requests: 0, connectionsEver: 9 }), "nothing open");
});

describe("inbounds", () => {
  test("say whether the application answers, in columns", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const facts = await inboundFacts(
      spec({
        inbound: [
          { port: 80, servicePort: port, protocol: "http" },
          { port: 8000, servicePort: 1 },
        ],
      }),
    );
    assert.deepEqual(
      facts.map((each) => each.level),
      ["info", "warn"],
    );
    const [first = "", second = ""] = facts.map((each) => each.text);
    assert.match(first, /^127\.0\.0\.1:80 {3}-> 127\.0\.0\.1:\d+ {2}http {2}the app answers$/);
    assert.match(second, /^127\.0\.0\.1:8000 -> 127\.0\.0\.1:1 +tcp {3}nothing listens there yet$/);
    await new Promise((resolve) => server.close(resolve));
  });

  test("find the application at another address of the machine", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.2", resolve));
    const { port } = server.address() as AddressInfo;
    const [fact] = await inboundFacts(spec({ inbound: [{ port: 1, servicePort: port }] }));
    assert.match(
      fact?.text ?? "",
      new RegExp(
        `nothing answers there; node \\(pid ${process.pid}\\) has 127\\.0\\.0\\.2:${port}\\. Set serviceAddress: 127\\.0\\.0\\.2, or bind it to 127\\.0\\.0\\.1$`,
      ),
    );
    await new Promise((resolve) => server.close(resolve));
  });
});

test("outbounds say how many instances there are, or which service was probably meant", () => {
  const to = (service: string, more = {}) => ({ "kuma.io/service": service, ...more });
  const dp = spec({
    outbound: [
      { port: 10000, tags: to("redis") },
      { port: 10001, tags: to("redis", { version: "v1" }) },
      { port: 10002, tags: to("redsi") },
      { port: 10003, tags: to("other") },
      { port: 10004, tags: to("empty") },
    ],
  });
  const clusters = [
    { name: "redis", total: 2, healthy: 2 },
    { name: "redis-0123456789abcdef", total: 2, healthy: 1 },
    { name: "empty", total: 0, healthy: 0 },
  ];
  const facts = outboundFacts(dp, clusters, { redsi: "redis", other: null });
  assert.deepEqual(
    facts.map((each) => each.text),
    [
      "127.0.0.1:10000 -> redis  2 healthy",
      "127.0.0.1:10001 -> redis  1 of 2 healthy",
      "127.0.0.1:10002 -> redsi  no such service. Nearest: redis",
      "127.0.0.1:10003 -> other  no such service yet",
      "127.0.0.1:10004 -> empty  no instance yet",
    ],
  );
  assert.deepEqual(
    facts.map((each) => each.level),
    ["info", "info", "warn", "warn", "warn"],
  );
});
