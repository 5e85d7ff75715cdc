import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { closureOf, scanDescriptors } from "../../cmd/build/descriptors.ts";
import { readRoots } from "../../cmd/build/generate.ts";

describe("messages inside the Envoy binary", () => {
  const files = scanDescriptors(readFileSync(join(import.meta.dirname, "../../.build/envoy/envoy")));

  it("hold every root and all that the roots import", (test) => {
    const closure = closureOf(readRoots(), files);
    test.diagnostic(
      `${files.size} files in the binary, ${readRoots().length} roots, ${closure.length} files in their closure`,
    );
    assert.equal(readRoots().length, 57);
    const names = new Set(closure.map((file) => file.name));
    for (const file of closure)
      for (const dependency of file.dependency) assert.ok(names.has(dependency), `${file.name} needs ${dependency}`);
  });

  it("are reported by name when one is missing", () => {
    assert.throws(() => closureOf(["envoy/no/such.proto"], files), /envoy\/no\/such\.proto/);
  });
});
