import assert from "node:assert/strict";
import { test } from "node:test";
import { BoundedFailureBook } from "../../../core/insight/failure-book.ts";
import type { RequestFailure } from "../../../core/model/request-failure.ts";

const failure = (seq: number, path = "/"): RequestFailure => ({
  seq,
  time: new Date(seq * 1000).toISOString(),
  direction: "outbound",
  path,
  status: 503,
  flags: ["UH"],
});
const failures = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => failure(from + at));
const web = { mesh: "default", name: "web-1" };
const seqs = (book: BoundedFailureBook, proxy = web) => book.read(proxy)?.map(({ seq }) => seq);

test("the newest 200 of a proxy are kept, newest first", () => {
  const book = new BoundedFailureBook();
  assert.equal(book.read(web), undefined);
  assert.equal(book.record(web, "i", failures(1, 150)), 150);
  assert.equal(book.record(web, "i", failures(151, 260)), 110);
  assert.deepEqual(seqs(book)?.slice(0, 2), [260, 259]);
  assert.deepEqual([seqs(book)?.length, seqs(book)?.at(-1)], [200, 61]);
  assert.deepEqual(book.read(web)?.[0], failure(260));
});

test("what is reported again counts once; another start of the sidecar counts anew", () => {
  const book = new BoundedFailureBook();
  book.record(web, "first", failures(1, 3));
  assert.equal(book.record(web, "first", failures(1, 3)), 0);
  assert.equal(book.record(web, "first", failures(2, 5)), 2);
  assert.equal(book.record(web, "second", failures(1, 1)), 1);
  assert.deepEqual(seqs(book), [1, 5, 4, 3, 2, 1]);
});

test("too many in all: the proxies that reported longest ago are forgotten", () => {
  const one = JSON.stringify(failure(1)).length;
  const book = new BoundedFailureBook(one * 25);
  const proxy = (name: string) => ({ mesh: "default", name });
  for (const name of ["a", "b"]) book.record(proxy(name), "i", failures(1, 9));
  book.record(proxy("a"), "i", [failure(10)]);
  book.record(proxy("c"), "i", failures(1, 9));
  assert.deepEqual(
    ["a", "b", "c"].map((name) => seqs(book, proxy(name))?.length),
    [10, undefined, 9],
  );
  book.record(proxy("d"), "i", failures(1, 50));
  assert.deepEqual(
    ["a", "c", "d"].map((name) => seqs(book, proxy(name))?.length),
    [undefined, undefined, 50],
    "one that is too large alone is kept",
  );
});
