import assert from "node:assert/strict";
import { test } from "node:test";
import { createMessageSplitter, frameMessage } from "../../../core/grpc/framing.ts";

test("messages are cut out of any chunks", () => {
  const bodies = ["", "a", "b".repeat(1000), "ä"].map((text) => Buffer.from(text));
  const framed = Buffer.concat(bodies.map((body, at) => frameMessage(at % 2 === 0 ? body : body.toString())));
  for (const size of [1, 3, 7, 500, framed.length]) {
    const seen: Buffer[] = [];
    const splitter = createMessageSplitter((message) => seen.push(Buffer.from(message)));
    for (let at = 0; at < framed.length; at += size) {
      assert.equal(splitter.push(framed.subarray(at, at + size)), undefined);
    }
    assert.deepEqual(seen, bodies, `in chunks of ${size}`);
  }
});

test("what is no message, or too large a one, is named and never handed on", () => {
  const refused = (bytes: readonly number[], limit?: number) =>
    createMessageSplitter(() => assert.fail("a message"), limit).push(Buffer.from(bytes));
  assert.equal(refused([1, 0, 0, 0, 1, 0]), "compressed");
  assert.equal(refused([0, 0xff, 0, 0, 0]), "too large");
  assert.equal(refused([0, 0, 0, 0, 3, 1, 2, 3], 2), "too large");
});
