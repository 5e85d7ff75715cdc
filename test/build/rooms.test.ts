import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { checkTree, importsOf } from "../../cmd/build/rooms.ts";

describe("rooms", () => {
  it("are imported in one direction only, and no file is over its length", () => {
    assert.deepEqual(checkTree(join(import.meta.dirname, "../..")).problems, []);
  });
  it("sees every kind of import", () => {
    const text = `import a from "./a.ts";\nimport type { B } from './b.ts';\nexport { c } from "./c.ts";\nconst d = await import("./d.ts");\nimport "./e.ts";`;
    assert.deepEqual(importsOf(text), ["./a.ts", "./b.ts", "./c.ts", "./d.ts", "./e.ts"]);
  });
});
