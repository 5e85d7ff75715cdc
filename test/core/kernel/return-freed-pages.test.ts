import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";

/** Frees 170 MB in pieces, between other pieces that stay, and prints the resident MB before and after, and the answer. */
const PROGRAM = `
  import { setFlagsFromString } from "node:v8";
  import { runInNewContext } from "node:vm";
  import { returnFreedPages } from ${JSON.stringify(new URL("../../../core/kernel/return-freed-pages.ts", import.meta.url).href)};
  const kept = [];
  const freed = [];
  for (let i = 0; i < 3000; i++) {
    freed.push(Buffer.allocUnsafeSlow(60_000).fill(1));
    if (i % 3 === 0) kept.push(Buffer.allocUnsafeSlow(5000).fill(2));
  }
  freed.length = 0;
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  await new Promise((resolve) => setTimeout(resolve, 300));
  const mb = () => process.memoryUsage().rss / 1024 / 1024;
  const before = mb();
  const done = await returnFreedPages();
  console.log(JSON.stringify({ before, after: mb(), done, kept: kept.every((each) => each.every((byte) => byte === 2)) }));
`;

test("freed memory goes back to the system, and what is in use stays as it is", (context) => {
  const args = ["--disable-warning=ExperimentalWarning", "--input-type=module-typescript", "--eval", PROGRAM];
  const { before, after, done, kept } = JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" }));
  assert.equal(kept, true);
  if (!done) return context.skip("the C library of this machine has no malloc_trim");
  assert.ok(after < before - 100, `${before} MB before, ${after} MB after`);
});
