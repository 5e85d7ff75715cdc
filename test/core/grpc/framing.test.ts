import assert from "node:assert/strict";
import { test } from "node:test";
import { createMessageSplitter, frameMessage, toPieces, withPrefix } from "../../../core/grpc/framing.ts";

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

test("a message goes in pieces of whole chunks; a chunk that is larger is cut, and nothing is copied", () => {
  const chunk = (length: number, fill: number) => new Uint8Array(length).fill(fill);
  const sizes = (chunks: Uint8Array[]) =>
    toPieces(chunks, 10).map((piece) => piece.map(({ byteLength }) => byteLength));
  assert.deepEqual(sizes([]), []);
  assert.deepEqual(sizes([chunk(4, 1), chunk(6, 2), chunk(1, 3)]), [[4, 6], [1]]);
  assert.deepEqual(sizes([chunk(4, 1), chunk(7, 2), chunk(0, 3), chunk(3, 4)]), [[4], [7, 3]]);
  assert.deepEqual(sizes([chunk(5, 1), chunk(25, 2), chunk(5, 3)]), [[5], [10], [10], [5, 5]]);
  const large = Uint8Array.from({ length: 25 }, (_, at) => at);
  const parts = toPieces([large], 10).flat();
  assert.deepEqual(Buffer.concat(parts), Buffer.from(large));
  assert.ok(parts.every((part) => part.buffer === large.buffer));
});

test("a message of chunks is framed as one message", () => {
  const chunks = [Buffer.from("one "), Buffer.from("message")];
  assert.deepEqual(Buffer.concat(withPrefix(chunks)), frameMessage("one message"));
});
