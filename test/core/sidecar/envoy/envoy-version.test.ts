import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { knownEnvoyVersion } from "../../../../core/sidecar/envoy/envoy-version.ts";

let dir: string;
const signal = new AbortController().signal;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "version-test-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

/** A program that prints a version and counts how often it was asked. */
function program(version: string): string {
  const path = join(dir, "envoy");
  writeFileSync(
    path,
    `#!/bin/sh\necho x >> ${join(dir, "asked")}\necho 'envoy  version: abc/${version}/Clean/RELEASE/BoringSSL'\n`,
    { mode: 0o755 },
  );
  return path;
}
const asked = () => (existsSync(join(dir, "asked")) ? readFileSync(join(dir, "asked"), "utf8").length / 2 : 0);

test("an executable is asked once, and again when it was changed", async () => {
  const cache = join(dir, "cache.json");
  const path = program("1.40.0");
  assert.equal((await knownEnvoyVersion(path, cache, signal)).version, "1.40.0");
  assert.equal((await knownEnvoyVersion(path, cache, signal)).version, "1.40.0");
  assert.equal(asked(), 1);
  assert.equal(statSync(cache).mode & 0o777, 0o600);
  program("1.41.10");
  assert.equal((await knownEnvoyVersion(path, cache, signal)).version, "1.41.10");
  writeFileSync(cache, "{");
  assert.equal((await knownEnvoyVersion(path, cache, signal)).version, "1.41.10");
  assert.equal(asked(), 3);
});

test("a cache that cannot be written does no harm", async () => {
  assert.equal((await knownEnvoyVersion(program("1.40.0"), "/nowhere/cache.json", signal)).version, "1.40.0");
});
