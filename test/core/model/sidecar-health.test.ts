import assert from "node:assert/strict";
import { test } from "node:test";
import { healthFromText, healthToHeader } from "../../../core/model/dataplane/sidecar-health.ts";

test("health as a header is ASCII, whatever Envoy said, and reads back", () => {
  const health = { sequence: 3, notReady: [80], probed: [80, 81], envoyEnd: "SIGABRT: \u2026 caf\u00e9\n\u{1f525}" };
  const header = healthToHeader(health);
  assert.match(header, /^[\x20-\x7e]+$/);
  assert.deepEqual(healthFromText(header), health);
  const long = healthToHeader({ ...health, trouble: "x".repeat(5000) });
  assert.equal(healthFromText(long).trouble?.length, 200);
  assert.deepEqual(healthFromText('{"sequence":0,"notReady":[],"probed":[],"trouble":"","envoyEnd":7,"other":1}'), {
    sequence: 0,
    notReady: [],
    probed: [],
  });
});
