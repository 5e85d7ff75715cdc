import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { test } from "node:test";

const ROOT = resolve(import.meta.dirname, "../../..");

/** Everything that importing a file loads at once: files, and packages by name. */
function loadedBy(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  const statements = readFileSync(file, "utf8").matchAll(/^(?:import|export)\s+(type\s+)?[^;]*?from\s+"([^"]+)";/gm);
  for (const [, typeOnly, specifier = ""] of statements) {
    if (typeOnly) continue;
    if (specifier.startsWith(".")) loadedBy(resolve(dirname(file), specifier), seen);
    else seen.add(specifier);
  }
  return seen;
}

const isMessages = (name: string) => name.startsWith("#envoy/") || name.startsWith("@bufbuild/");

test("the engine loads no generated message: only the builders do, and they come with the first proxy", () => {
  assert.deepEqual([...loadedBy(join(ROOT, "core/push/push-engine.ts"))].filter(isMessages), []);
  assert.notDeepEqual([...loadedBy(join(ROOT, "core/envoy/builders.ts"))].filter(isMessages), []);
});
