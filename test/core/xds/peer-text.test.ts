import assert from "node:assert/strict";
import { it } from "node:test";
import { peerText } from "../../../core/xds/peer-text.ts";

it("shows a peer as people write addresses", () => {
  assert.equal(peerText("10.0.0.1:443"), "10.0.0.1:443");
  assert.equal(peerText("::ffff:10.0.0.1:443"), "10.0.0.1:443");
  assert.equal(peerText("::1:443"), "[::1]:443");
  assert.equal(peerText("fd00::2:51000"), "[fd00::2]:51000");
  assert.equal(peerText("unknown"), "unknown");
});
