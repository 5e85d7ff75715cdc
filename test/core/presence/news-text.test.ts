import assert from "node:assert/strict";
import { test } from "node:test";
import { newsOf } from "../../../core/presence/news-text.ts";
import { presenceOf } from "../../cmd/proxies.ts";

const kindOf = (before: Parameters<typeof presenceOf>[0], after: Parameters<typeof presenceOf>[0]) =>
  newsOf(presenceOf(before), presenceOf(after), undefined)?.kind;

test("an inbound that is not ready is news, and its return; the first report after a join is none", () => {
  const ready = { notReady: [], healthSequence: 2 };
  const down = { notReady: [9000], healthSequence: 3 };
  assert.equal(kindOf(ready, down), "not-ready");
  assert.equal(kindOf(down, { ...ready, healthSequence: 4 }), "ready");
  assert.equal(
    kindOf({ notReady: [9000] }, { notReady: [], healthSequence: 1 }),
    undefined,
    "it was only not known yet",
  );
  assert.equal(kindOf({ notReady: [9000] }, { notReady: [] }), "ready", "a stock sidecar's reports have no order");
  assert.equal(kindOf(ready, { ...ready, reason: "another" }), undefined);
  const leaving = { state: "leaving", open: true } as const;
  assert.equal(kindOf({ ...leaving, ...ready }, { ...leaving, ...down }), undefined, "a leave was told already");
});

test("an Envoy that stands still is news, and its return", () => {
  const detailOf = (before: Parameters<typeof presenceOf>[0], after: Parameters<typeof presenceOf>[0]) =>
    newsOf(presenceOf(before), presenceOf(after), undefined)?.detail;
  const well = { notReady: [], healthSequence: 2 };
  const stopped = { notReady: [9000], healthSequence: 3, trouble: "Envoy is stopped by a signal" };
  const silent = { notReady: [], healthSequence: 3, trouble: "Envoy lives but does not answer" };
  assert.equal(detailOf(well, stopped), "Envoy is stopped by a signal; port 9000 gets no traffic");
  assert.equal(detailOf(stopped, well), "port 9000 gets traffic again");
  assert.equal(detailOf(well, silent), "Envoy lives but does not answer");
  assert.equal(detailOf(silent, well), "Envoy answers again");
  assert.equal(detailOf(silent, { ...silent, healthSequence: 4 }), undefined);
});

test("a sidecar that is back after its Envoy crashed says so", () => {
  const news = newsOf(
    presenceOf({ state: "lost", lastSeen: 1000 }),
    presenceOf({ state: "connected", since: 1400, envoyEnd: "SIGSEGV: Caught Segmentation fault" }),
    undefined,
  );
  assert.deepEqual(news, {
    level: "info",
    kind: "back",
    detail: "after 400ms; its Envoy had ended by SIGSEGV: Caught Segmentation fault",
  });
});
