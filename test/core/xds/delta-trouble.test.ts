import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { STALL_MS } from "../../../core/xds/ads-stream.ts";
import { NACK_BACKOFF_MS } from "../../../core/xds/backlog.ts";
import { PICTURE, served } from "./served-delta.ts";
import { StreamBench } from "./stream-bench.ts";

describe("delta stream in trouble", () => {
  describe("after a NACK", () => {
    it("reports Envoy's message, does not repeat the content, and sends new content after 5 s", () => {
      const bench = served();
      bench.update(2, { ...PICTURE, endpoint: { a: "bad", b: "1" } });
      bench.nack("endpoint", "no good");
      assert.deepEqual(bench.look(), ["endpoint[a@bad]"]);
      assert.ok(bench.reports.includes("nack endpoint: no good"));
      bench.clock.advance(60_000);
      assert.deepEqual(bench.look(), [], "the same content is not sent again");
      assert.ok(!bench.reports.some((each) => each.startsWith("synced endpoint")));
      bench.update(3, { ...PICTURE, endpoint: { a: "bad2", b: "1" } });
      bench.nack("endpoint", "still not");
      assert.deepEqual(bench.look(), ["endpoint[a@bad2]"]);
      bench.clock.advance(1000);
      bench.update(4, { ...PICTURE, endpoint: { a: "good", b: "1" } });
      assert.deepEqual(bench.look(), []);
      bench.clock.advance(NACK_BACKOFF_MS - 1001);
      assert.deepEqual(bench.look(), []);
      bench.clock.advance(1);
      assert.deepEqual(bench.look(), ["endpoint[a@good]"]);
      bench.ack("endpoint");
      assert.ok(bench.reports.includes("synced endpoint 4"));
    });

    it("does not delay resources that were not in the refused response", () => {
      const bench = served();
      bench.update(2, { ...PICTURE, endpoint: { a: "bad", b: "1" } });
      bench.nack("endpoint", "no good");
      bench.look();
      bench.update(3, { ...PICTURE, endpoint: { a: "bad2", b: "2" } });
      assert.deepEqual(bench.look(), ["endpoint[b@2]"]);
    });

    it("tries resources that were refused together one by one, once", () => {
      const bench = served();
      bench.update(2, { ...PICTURE, endpoint: { a: "bad", b: "2" } });
      bench.nack("endpoint", "a is bad");
      assert.deepEqual(bench.look(), ["endpoint[a@bad b@2]"]);
      bench.clock.advance(NACK_BACKOFF_MS);
      assert.deepEqual(bench.look(), ["endpoint[a@bad]", "endpoint[b@2]"]);
      const [first, second] = bench.sent.slice(-2);
      bench.delta("endpoint", { nonce: first?.nonce ?? "", error: "a is bad" });
      bench.delta("endpoint", { nonce: second?.nonce ?? "" });
      bench.clock.advance(60_000);
      assert.deepEqual(bench.look(), []);
      bench.update(3, { ...PICTURE, endpoint: { a: "good", b: "2" } });
      assert.deepEqual(bench.look(), ["endpoint[a@good]"]);
      bench.ack("endpoint");
      assert.ok(bench.reports.includes("synced endpoint 3"));
    });

    it("goes on with listeners at once when clusters are refused", () => {
      const bench = served();
      bench.update(2, { ...PICTURE, cluster: { a: "bad", b: "1" }, listener: { l: "2" } });
      bench.look();
      bench.nack("cluster", "bad cluster");
      assert.deepEqual(bench.look(), ["listener[l@2]"]);
    });

    it("counts as good again when the refused resource is removed", () => {
      const bench = served();
      bench.update(2, { ...PICTURE, listener: { l: "1", bad: "1" } });
      bench.nack("listener", "bad");
      bench.update(3, PICTURE);
      bench.ack("listener");
      assert.ok(bench.reports.includes("synced listener 3"));
    });
  });

  describe("large updates", () => {
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`s${i}`, "1"]));

    it("travel in messages of 32 KB at most, each after the transport took the last", () => {
      const bench = new StreamBench("delta");
      bench.block();
      bench.update(1, { cluster: many }, 1000);
      bench.delta("cluster");
      assert.equal(bench.sent.length, 1);
      bench.take();
      assert.equal(bench.sent.length, 2);
      bench.unblock();
      assert.deepEqual(
        bench.sent.flatMap(({ resources }) => resources),
        Object.keys(many)
          .toSorted()
          .map((name) => `${name}@1`),
      );
      for (const { bytes } of bench.sent) assert.ok(bytes <= 32 * 1024, `${bytes}`);
      assert.ok(bench.sent.length <= 5);
    });

    it("are acknowledged when each message is", () => {
      const bench = new StreamBench("delta");
      bench.update(1, { cluster: many, listener: { l: "1" } }, 1000);
      bench.delta("cluster");
      bench.delta("listener");
      const nonces = bench.sent.map(({ nonce }) => nonce);
      for (const nonce of nonces.slice(1)) bench.delta("cluster", { nonce });
      assert.ok(!bench.reports.includes("synced cluster 1"));
      assert.ok(!bench.look().some((each) => each.startsWith("listener")));
      bench.delta("cluster", { nonce: nonces[0] ?? "" });
      assert.ok(bench.reports.includes("synced cluster 1"));
      assert.deepEqual(bench.look(), ["listener[l@1]"]);
    });

    it("send a resource that is larger than a message by itself", () => {
      const bench = new StreamBench("delta");
      bench.update(1, { cluster: { a: "1", b: "1", c: "1" } }, 40_000);
      bench.delta("cluster");
      assert.deepEqual(bench.look(), ["cluster[a@1]", "cluster[b@1]", "cluster[c@1]"]);
    });
  });

  describe("a slow reader", () => {
    it("costs one message, gets the newest state when it reads, and is cut after 30 s of nothing", () => {
      const bench = served();
      bench.block();
      for (let revision = 2; revision < 100; revision++) {
        bench.update(revision, {
          ...PICTURE,
          cluster: { a: `${revision}`, b: "1" },
          endpoint: { a: `${revision}`, b: "1" },
        });
        bench.clock.advance(10);
      }
      assert.deepEqual(bench.look(), ["cluster[a@2]"]);
      bench.take();
      assert.deepEqual(bench.look(), ["endpoint[a@99]"]);
      bench.clock.advance(STALL_MS - 1);
      assert.deepEqual(bench.cuts, []);
      bench.clock.advance(1);
      assert.deepEqual(bench.cuts, ["the proxy has read nothing for 30 s"]);
    });

    it("is not cut while it reads slowly but steadily", () => {
      const bench = served();
      bench.block();
      for (let revision = 2; revision < 20; revision++) {
        bench.update(revision, { ...PICTURE, endpoint: { a: `${revision}`, b: "1" } });
        bench.clock.advance(STALL_MS - 1000);
        bench.take();
        bench.ack("endpoint");
      }
      assert.deepEqual(bench.cuts, []);
    });
  });
});
