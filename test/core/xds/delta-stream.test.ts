import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { GATE_MS, REMOVAL_DELAY_MS } from "../../../core/xds/make-before-break.ts";
import { PICTURE, served } from "./served-delta.ts";
import { StreamBench } from "./stream-bench.ts";

describe("delta stream", () => {
  it("answers a first request, wildcard or named, in the order CDS, EDS, LDS, RDS", () => {
    const bench = new StreamBench("delta");
    bench.delta("cluster", { nodeId: "default.web-1" });
    assert.deepEqual(bench.look(), [], "nothing to send without a snapshot");
    bench.update(7, PICTURE);
    assert.deepEqual(bench.look(), ["cluster[a@1 b@1]"]);
    bench.delta("endpoint", { subscribe: ["a", "b"] });
    assert.deepEqual(bench.look(), ["endpoint[a@1 b@1]"]);
    bench.delta("listener");
    assert.deepEqual(bench.look(), [], "listeners wait for the ACK of the clusters");
    bench.ack("endpoint");
    bench.ack("cluster");
    assert.deepEqual(bench.look(), ["listener[l@1]"]);
    bench.delta("route", { subscribe: ["r"] });
    assert.deepEqual(bench.look(), ["route[r@1]"]);
    assert.equal(bench.sent[0]?.controlPlane, "cp-1");
    assert.equal(bench.sent[0]?.version, "7");
  });

  it("answers a wildcard without resources, but not names that do not exist yet", () => {
    const bench = new StreamBench("delta");
    bench.update(1, {});
    bench.delta("cluster");
    bench.delta("listener");
    bench.delta("endpoint", { subscribe: ["x"] });
    bench.delta("secret", { subscribe: ["s"] });
    assert.deepEqual(bench.look(), ["cluster[]"]);
    bench.ack("cluster");
    assert.deepEqual(bench.look(), ["listener[]"]);
    bench.update(2, { endpoint: { x: "1", other: "1" }, secret: { s: "1" } });
    assert.deepEqual(bench.look(), ["endpoint[x@1]", "secret[s@1]"]);
  });

  it("sends nothing and reports nothing when nothing changed", () => {
    const bench = served();
    bench.update(2, PICTURE);
    assert.deepEqual(bench.look(), []);
    assert.deepEqual(bench.reports, []);
  });

  it("sends one changed assignment and reports the revision when it is acknowledged", () => {
    const bench = served();
    bench.update(2, { ...PICTURE, endpoint: { a: "2", b: "1" } });
    assert.deepEqual(bench.look(), ["endpoint[a@2]"]);
    bench.ack("endpoint");
    assert.deepEqual(bench.reports, ["ack endpoint", "synced endpoint 2"]);
  });

  it("sends an assignment that changed within one revision, as by an answer of DNS, and reports it as well", () => {
    const bench = served();
    bench.update(1, { ...PICTURE, endpoint: { a: "2", b: "1" } });
    assert.deepEqual(bench.look(), ["endpoint[a@2]"]);
    bench.ack("endpoint");
    assert.deepEqual(bench.reports, ["ack endpoint", "synced endpoint 1"]);
  });

  it("keeps one response unanswered and folds what changes meanwhile into the next", () => {
    const bench = served();
    bench.update(2, { ...PICTURE, endpoint: { a: "2", b: "1" } });
    bench.update(3, { ...PICTURE, endpoint: { a: "3", b: "1" } });
    bench.update(4, { ...PICTURE, endpoint: { a: "4", b: "2" } });
    assert.deepEqual(bench.look(), ["endpoint[a@2]"]);
    bench.ack("endpoint");
    assert.deepEqual(bench.look(), ["endpoint[a@4 b@2]"]);
    assert.ok(!bench.reports.includes("synced endpoint 2"), "revision 2 was passed over");
    bench.ack("endpoint");
    assert.ok(bench.reports.includes("synced endpoint 4"));
  });

  it("sends nothing when a change was taken back while the last response was unanswered", () => {
    const bench = served();
    bench.update(2, { ...PICTURE, endpoint: { a: "1", b: "2" } });
    bench.update(3, { ...PICTURE, endpoint: { a: "2", b: "2" } });
    bench.update(4, { ...PICTURE, endpoint: { a: "1", b: "2" } });
    bench.look();
    bench.ack("endpoint");
    assert.deepEqual(bench.look(), []);
    assert.ok(bench.reports.includes("synced endpoint 4"));
  });

  it("sends the assignment of a changed cluster again although it did not change", () => {
    const bench = served();
    bench.update(2, { ...PICTURE, cluster: { a: "2", b: "1" } });
    assert.deepEqual(bench.look(), ["cluster[a@2]", "endpoint[a@1]"]);
  });

  it("holds listeners and routes until changed clusters are acknowledged", () => {
    const bench = served();
    bench.update(2, { ...PICTURE, cluster: { a: "2", b: "1" }, listener: { l: "2" }, route: { r: "2" } });
    assert.deepEqual(bench.look(), ["cluster[a@2]", "endpoint[a@1]"]);
    bench.ack("endpoint");
    assert.deepEqual(bench.look(), []);
    bench.ack("cluster");
    assert.deepEqual(bench.look(), ["listener[l@2]", "route[r@2]"]);
  });

  it("opens the gate after 5 s without an answer", () => {
    const bench = served();
    bench.update(2, { ...PICTURE, cluster: { a: "2", b: "1" }, listener: { l: "2" } });
    bench.look();
    bench.clock.advance(GATE_MS - 1);
    assert.deepEqual(bench.look(), []);
    bench.clock.advance(1);
    assert.deepEqual(bench.look(), ["listener[l@2]"]);
    bench.ack("listener");
    bench.clock.advance(60_000);
    assert.equal(bench.clock.armed, 0, "an idle stream has no timer");
  });

  it("removes last: new cluster, then the route, and the old cluster a second after that is acknowledged", () => {
    const bench = served();
    bench.update(2, {
      cluster: { b: "1", c: "1" },
      endpoint: { b: "1", c: "1" },
      listener: { l: "1" },
      route: { r: "2" },
    });
    assert.deepEqual(bench.look(), ["cluster[c@1]"]);
    bench.delta("endpoint", { subscribe: ["c"] });
    bench.ack("endpoint");
    bench.ack("cluster");
    assert.deepEqual(bench.look(), ["endpoint[c@1]", "route[r@2]"]);
    bench.clock.advance(100);
    bench.ack("route");
    bench.clock.advance(REMOVAL_DELAY_MS - 1);
    assert.deepEqual(bench.look(), []);
    bench.clock.advance(1);
    assert.deepEqual(bench.look(), ["cluster[] -a"]);
    bench.ack("cluster");
    assert.deepEqual(bench.look(), ["endpoint[] -a"]);
  });

  it("removes after 5 s when a listener's answer does not come", () => {
    const bench = served();
    bench.update(2, { ...PICTURE, cluster: { b: "1" }, listener: { l: "2" } });
    assert.deepEqual(bench.look(), ["listener[l@2]"]);
    bench.clock.advance(GATE_MS);
    assert.deepEqual(bench.look(), ["cluster[] -a"]);
  });

  it("keeps what a refused listener may still use", () => {
    const bench = served();
    bench.update(2, { ...PICTURE, cluster: { b: "1" }, endpoint: { b: "1" }, listener: { l: "2" } });
    bench.look();
    bench.nack("listener", "no such filter");
    bench.clock.advance(60_000);
    assert.deepEqual(bench.look(), []);
    bench.update(3, { ...PICTURE, cluster: { b: "1" }, endpoint: { b: "1" }, listener: { l: "3" } });
    bench.ack("listener");
    bench.clock.advance(REMOVAL_DELAY_MS);
    assert.deepEqual(bench.look(), ["listener[l@3]", "cluster[] -a"]);
    bench.delta("endpoint", { unsubscribe: ["a"] });
    bench.ack("cluster");
    assert.deepEqual(bench.look(), [], "the client unsubscribed by itself, as Envoy does");
  });

  it("does not remove what came back before its removal", () => {
    const bench = served();
    bench.update(2, { ...PICTURE, cluster: { b: "1" }, listener: { l: "2" } });
    bench.update(3, { ...PICTURE, listener: { l: "2" } });
    bench.look();
    bench.ack("listener");
    bench.clock.advance(10_000);
    assert.deepEqual(bench.look(), [], "it is still there as it was");
  });

  it("sends what came back although it is the same when the client never got or refused it", () => {
    const bench = served();
    bench.update(2, { ...PICTURE, endpoint: { a: "2", b: "1", c: "1" } });
    bench.delta("endpoint", { subscribe: ["c"] });
    bench.update(3, { ...PICTURE, endpoint: { a: "1", b: "1" } });
    bench.update(4, { ...PICTURE, endpoint: { a: "1", b: "1", c: "1" } });
    bench.ack("endpoint");
    assert.deepEqual(bench.look(), ["endpoint[a@2]", "endpoint[a@1 c@1]"]);
    const other = served();
    other.update(2, { ...PICTURE, cluster: { ...PICTURE.cluster, bad: "1" } });
    other.nack("cluster", "bad");
    other.look();
    other.update(3, { ...PICTURE, listener: { l: "2" } });
    other.update(4, { ...PICTURE, listener: { l: "2" }, cluster: { ...PICTURE.cluster, bad: "1" } });
    assert.deepEqual(other.look(), ["listener[l@2]", "cluster[bad@1]"]);
  });

  it("puts removed listeners into the first message, for Envoy frees their ports first", () => {
    const bench = served();
    bench.update(2, { ...PICTURE, listener: { l2: "1" } });
    assert.deepEqual(bench.look(), ["listener[l2@1] -l"]);
  });

  it("removes secrets and routes, which Envoy only takes note of, and sends them again when they come back", () => {
    const bench = served();
    bench.update(2, { ...PICTURE, secret: { s: "1" } });
    bench.delta("secret", { subscribe: ["s"] });
    bench.ack("secret");
    bench.look();
    bench.update(3, { ...PICTURE, route: {} });
    assert.deepEqual(bench.look(), ["route[] -r"]);
    bench.ack("route");
    bench.clock.advance(REMOVAL_DELAY_MS);
    assert.deepEqual(bench.look(), ["secret[] -s"]);
    bench.ack("secret");
    bench.update(4, { ...PICTURE, secret: { s: "1" } });
    assert.deepEqual(bench.look(), ["secret[s@1]", "route[r@1]"]);
  });

  it("sends only differences to a client that brings versions, and removes what it has too much", () => {
    const bench = new StreamBench("delta");
    bench.update(9, PICTURE);
    bench.delta("cluster", { initial: { a: "1", b: "0", old: "1" } });
    bench.delta("endpoint", { subscribe: ["a", "b", "old"], initial: { a: "1", b: "1", old: "1" } });
    bench.delta("listener", { initial: { l: "1" } });
    bench.delta("route", { subscribe: ["r"], initial: { r: "1" } });
    assert.deepEqual(bench.look(), ["cluster[b@1]", "endpoint[b@1]"], "b is sent again with its cluster");
    bench.ack("endpoint");
    bench.ack("cluster");
    assert.deepEqual(bench.look(), ["listener[]"]);
    bench.ack("listener");
    bench.clock.advance(REMOVAL_DELAY_MS);
    assert.deepEqual(bench.look(), ["cluster[] -old"]);
    bench.ack("cluster");
    assert.deepEqual(bench.look(), ["endpoint[] -old"]);
    assert.ok(bench.reports.includes("synced route 9"), "nothing had to be sent");
  });

  it("takes the versions also when the first snapshot comes later", () => {
    const bench = new StreamBench("delta");
    bench.delta("cluster", { initial: { a: "1", b: "1" } });
    bench.delta("endpoint", { subscribe: ["a", "b"], initial: { a: "1", b: "0" } });
    bench.update(9, PICTURE);
    assert.deepEqual(bench.look(), ["cluster[]", "endpoint[b@1]"]);
  });

  it("sends what is subscribed anew even if it was sent before, and nothing that was unsubscribed", () => {
    const bench = served();
    bench.delta("endpoint", { unsubscribe: ["a"] });
    bench.update(2, { ...PICTURE, endpoint: { a: "2", b: "1" } });
    assert.deepEqual(bench.look(), []);
    bench.delta("endpoint", { subscribe: ["a"] });
    assert.deepEqual(bench.look(), ["endpoint[a@2]"]);
    bench.ack("endpoint");
    bench.delta("endpoint", { subscribe: ["a"] });
    assert.deepEqual(bench.look(), ["endpoint[a@2]"]);
  });

  it("lets an acknowledgement carry a new subscription", () => {
    const bench = served();
    bench.update(2, { ...PICTURE, endpoint: { a: "2", b: "1", c: "1" } });
    bench.look();
    bench.delta("endpoint", { nonce: bench.lastNonce("endpoint"), subscribe: ["c"] });
    assert.deepEqual(bench.look(), ["endpoint[c@1]"]);
  });

  it("turns the wildcard on and off by its name", () => {
    const bench = served();
    bench.delta("cluster", { unsubscribe: ["*"], subscribe: ["a"] });
    assert.deepEqual(bench.look(), ["cluster[a@1]", "endpoint[a@1]"]);
    bench.ack("cluster");
    bench.ack("endpoint");
    bench.update(2, { ...PICTURE, cluster: { a: "1", b: "2" } });
    assert.deepEqual(bench.look(), []);
    bench.delta("cluster", { subscribe: ["*"] });
    assert.deepEqual(bench.look(), ["cluster[a@1 b@2]", "endpoint[a@1 b@1]"]);
  });

  it("ignores unknown nonces, types it does not serve, and requests of a proxy that repeats its node", () => {
    const bench = served();
    bench.delta("endpoint", { nonce: "999", nodeId: "default.web-1" });
    bench.delta("type.googleapis.com/envoy.service.runtime.v3.Runtime", { subscribe: ["x"] });
    assert.deepEqual(bench.look(), []);
    assert.deepEqual(bench.reports, []);
  });

  it("refuses another node and a request without a type", () => {
    const bench = served();
    assert.throws(() => bench.delta("endpoint", { nodeId: "default.web-2" }), /opened by default.web-1/);
    assert.throws(() => bench.delta(""), /names no resource type/);
  });

  it("is silent after it was closed", () => {
    const bench = served();
    bench.update(2, { ...PICTURE, cluster: { a: "2", b: "1" }, listener: { l: "2" } });
    bench.look();
    bench.stream.close();
    bench.update(3, PICTURE);
    bench.delta("endpoint", { subscribe: ["b"] });
    bench.clock.advance(60_000);
    assert.deepEqual(bench.look(), []);
    assert.equal(bench.clock.armed, 0);
  });
});
