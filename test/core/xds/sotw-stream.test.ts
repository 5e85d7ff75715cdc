import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { NACK_BACKOFF_MS } from "../../../core/xds/backlog.ts";
import { GATE_MS, REMOVAL_DELAY_MS } from "../../../core/xds/make-before-break.ts";
import { StreamBench } from "./stream-bench.ts";

const PICTURE = {
  cluster: { a: "1", b: "1" },
  endpoint: { a: "1", b: "1" },
  listener: { l: "1" },
  route: { r: "1" },
};
const NAMES = ["a", "b"];

function served(): StreamBench {
  const bench = new StreamBench("sotw");
  bench.sotw("cluster");
  bench.update(1, PICTURE);
  bench.ack("cluster");
  bench.sotw("endpoint", { names: NAMES });
  bench.ack("endpoint", NAMES);
  bench.sotw("listener");
  bench.ack("listener");
  bench.sotw("route", { names: ["r"] });
  bench.ack("route", ["r"]);
  bench.look();
  bench.reports.length = 0;
  bench.clock.advance(REMOVAL_DELAY_MS);
  return bench;
}

describe("state-of-the-world stream", () => {
  it("serves the first sync in the order CDS, EDS, LDS, RDS", () => {
    const bench = new StreamBench("sotw");
    bench.sotw("cluster", { nodeId: "default.web-1" });
    bench.update(1, PICTURE);
    assert.deepEqual(bench.look(), ["cluster[a@1 b@1]"]);
    bench.sotw("endpoint", { names: NAMES });
    bench.sotw("listener");
    assert.deepEqual(bench.look(), ["endpoint[a@1 b@1]"]);
    bench.ack("endpoint", NAMES);
    bench.ack("cluster");
    assert.deepEqual(bench.look(), ["listener[l@1]"]);
    bench.sotw("route", { names: ["r"] });
    assert.deepEqual(bench.look(), ["route[r@1]"]);
    assert.equal(bench.sent[0]?.controlPlane, "cp-1");
  });

  it("gives equal content equal versions, whatever its order", () => {
    const [one, other] = [new StreamBench("sotw"), new StreamBench("sotw")];
    one.update(1, { cluster: { a: "1", b: "1" } });
    other.update(5, { cluster: { b: "1", a: "1" } });
    one.sotw("cluster");
    other.sotw("cluster");
    assert.equal(one.sent[0]?.version, other.sent[0]?.version);
    one.ack("cluster");
    one.update(6, { cluster: { a: "1", b: "2" } });
    assert.notEqual(one.sent[1]?.version, one.sent[0]?.version);
  });

  it("answers wildcards that match nothing with an empty set, and names that do not exist with silence", () => {
    const bench = new StreamBench("sotw");
    bench.update(1, {});
    bench.sotw("cluster");
    bench.sotw("endpoint", { names: ["x"] });
    bench.sotw("secret", { names: ["s"] });
    assert.deepEqual(bench.look(), ["cluster[]"]);
    bench.update(2, { endpoint: { x: "1" }, secret: { s: "1" } });
    assert.deepEqual(bench.look(), ["endpoint[x@1]", "secret[s@1]"]);
  });

  it("sends only assignments that changed, but always the complete set of clusters and listeners", () => {
    const bench = served();
    bench.update(2, { ...PICTURE, endpoint: { a: "2", b: "1" }, listener: { l: "1", l2: "1" } });
    assert.deepEqual(bench.look(), ["endpoint[a@2]", "listener[l@1 l2@1]"]);
  });

  it("sends the assignment of a changed cluster again, also when Envoy asks for it before it sees that", () => {
    const bench = served();
    const before = bench.lastNonce("endpoint");
    bench.update(2, { ...PICTURE, cluster: { a: "2", b: "1" } });
    assert.deepEqual(bench.look(), ["cluster[a@2 b@1]", "endpoint[a@1]"]);
    bench.sotw("endpoint", { names: NAMES, nonce: before });
    assert.deepEqual(bench.look(), [], "the stale request is answered already");
    assert.deepEqual(
      bench.reports.filter((each) => each.startsWith("ack")),
      [],
    );
    bench.ack("endpoint", NAMES);
    bench.ack("cluster");
    assert.ok(bench.reports.includes("synced cluster 2"));
  });

  it("sends all again when the same names are asked for once more without a reason that it knows", () => {
    const bench = served();
    bench.sotw("endpoint", { names: NAMES, nonce: bench.lastNonce("endpoint") });
    assert.deepEqual(bench.look(), ["endpoint[a@1 b@1]"]);
    bench.ack("endpoint", NAMES);
    assert.deepEqual(bench.look(), []);
  });

  it("sends just the new name when the list grows, and nothing when it shrinks", () => {
    const bench = served();
    bench.update(2, { ...PICTURE, endpoint: { a: "1", b: "1", c: "1" } });
    assert.deepEqual(bench.look(), []);
    bench.sotw("endpoint", { names: ["a", "b", "c"], nonce: bench.lastNonce("endpoint") });
    assert.deepEqual(bench.look(), ["endpoint[c@1]"]);
    bench.ack("endpoint", ["b", "c"]);
    bench.update(3, { ...PICTURE, endpoint: { a: "3", b: "1", c: "1" } });
    assert.deepEqual(bench.look(), []);
    bench.sotw("endpoint", { names: ["a", "b", "c"], nonce: bench.lastNonce("endpoint") });
    assert.deepEqual(bench.look(), ["endpoint[a@3]"]);
  });

  it("takes new names from an acknowledgement", () => {
    const bench = served();
    bench.update(2, { ...PICTURE, endpoint: { a: "2", b: "1", c: "1" } });
    bench.look();
    bench.ack("endpoint", ["a", "b", "c"]);
    assert.deepEqual(bench.look(), ["endpoint[c@1]"]);
    assert.ok(bench.reports.includes("ack endpoint"));
  });

  it("ends all interest when a list of names becomes empty", () => {
    const bench = served();
    bench.sotw("endpoint", { names: [], nonce: bench.lastNonce("endpoint") });
    bench.update(2, { ...PICTURE, endpoint: { a: "2", b: "2" } });
    assert.deepEqual(bench.look(), []);
  });

  it("sends what was covered by a wildcard again when it is asked for by name", () => {
    const bench = new StreamBench("sotw");
    bench.update(1, PICTURE);
    bench.sotw("endpoint");
    assert.deepEqual(bench.look(), ["endpoint[a@1 b@1]"]);
    bench.ack("endpoint", ["b"]);
    assert.deepEqual(bench.look(), ["endpoint[b@1]"]);
  });

  it("makes before it breaks: old and new clusters, then the route, then only the new ones", () => {
    const bench = served();
    const next = { cluster: { b: "1", c: "1" }, endpoint: { b: "1", c: "1" }, listener: { l: "1" }, route: { r: "2" } };
    bench.update(2, next);
    assert.deepEqual(bench.look(), ["cluster[b@1 c@1 a@1]"]);
    bench.sotw("endpoint", { names: ["a", "b", "c"], nonce: bench.lastNonce("endpoint") });
    bench.ack("endpoint", ["a", "b", "c"]);
    bench.ack("cluster");
    assert.deepEqual(bench.look(), ["endpoint[c@1]", "route[r@2]"]);
    bench.ack("route", ["r"]);
    bench.clock.advance(REMOVAL_DELAY_MS - 1);
    assert.deepEqual(bench.look(), []);
    bench.clock.advance(1);
    assert.deepEqual(bench.look(), ["cluster[b@1 c@1]"]);
    bench.ack("cluster");
    assert.deepEqual(bench.look(), []);
    bench.clock.advance(60_000);
    assert.deepEqual(bench.look(), []);
    assert.equal(bench.clock.armed, 0, "an idle stream has no timer");
  });

  it("keeps a cluster that comes back while its removal waits", () => {
    const bench = served();
    bench.update(2, { ...PICTURE, cluster: { b: "1" }, route: { r: "2" } });
    assert.deepEqual(bench.look(), ["route[r@2]"], "nothing to say about clusters yet");
    bench.update(3, { ...PICTURE, route: { r: "2" } });
    bench.ack("route", ["r"]);
    bench.clock.advance(10_000);
    assert.deepEqual(
      bench.look().filter((each) => !each.includes("a@1")),
      [],
    );
  });

  it("opens the gate after 5 s without an answer", () => {
    const bench = served();
    bench.update(2, { ...PICTURE, cluster: { a: "2", b: "1" }, listener: { l: "2" } });
    bench.look();
    bench.clock.advance(GATE_MS - 1);
    assert.deepEqual(bench.look(), []);
    bench.clock.advance(1);
    assert.deepEqual(bench.look(), ["listener[l@2]"]);
  });

  it("after a NACK keeps still until something changed and 5 s passed", () => {
    const bench = served();
    bench.update(2, { ...PICTURE, listener: { l: "1", bad: "1" } });
    bench.nack("listener", "no such filter");
    assert.ok(bench.reports.includes("nack listener: no such filter"));
    bench.look();
    bench.clock.advance(60_000);
    assert.deepEqual(bench.look(), []);
    bench.update(3, { ...PICTURE, listener: { l: "1", bad: "2" } });
    bench.nack("listener", "no such filter");
    assert.deepEqual(bench.look(), ["listener[bad@2 l@1]"]);
    bench.update(4, { ...PICTURE, listener: { l: "1", bad: "3" } });
    bench.clock.advance(NACK_BACKOFF_MS - 1);
    assert.deepEqual(bench.look(), []);
    bench.clock.advance(1);
    assert.deepEqual(bench.look(), ["listener[bad@3 l@1]"]);
    bench.ack("listener");
    assert.ok(bench.reports.includes("synced listener 4"));
  });

  it("tries assignments that were refused together one by one", () => {
    const bench = served();
    bench.update(2, { ...PICTURE, endpoint: { a: "bad", b: "2" } });
    bench.nack("endpoint", "a is bad", NAMES);
    bench.look();
    bench.clock.advance(NACK_BACKOFF_MS);
    assert.deepEqual(bench.look(), ["endpoint[a@bad]"]);
    bench.nack("endpoint", "a is bad", NAMES);
    assert.deepEqual(bench.look(), ["endpoint[b@2]"]);
    bench.ack("endpoint", NAMES);
    bench.clock.advance(60_000);
    assert.deepEqual(bench.look(), []);
  });

  it("sends many assignments in several responses, each after the last was acknowledged", () => {
    const names = Array.from({ length: 100 }, (_, i) => `s${i}`);
    const all = Object.fromEntries(names.map((name) => [name, "1"]));
    const bench = new StreamBench("sotw");
    bench.update(1, { endpoint: all }, 1000);
    bench.sotw("endpoint", { names });
    for (let rounds = 0; rounds < 10; rounds++) {
      const count = bench.sent.length;
      bench.ack("endpoint", names);
      if (bench.sent.length === count) break;
      assert.equal(bench.sent.length, count + 1);
    }
    assert.deepEqual(
      bench.sent.flatMap(({ resources }) => resources),
      names.toSorted().map((name) => `${name}@1`),
    );
    assert.ok(bench.sent.length > 1);
    for (const { bytes } of bench.sent) assert.ok(bytes < 66 * 1024, `${bytes}`);
    assert.ok(bench.reports.includes("synced endpoint 1"));
  });
});
