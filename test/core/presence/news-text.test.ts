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
