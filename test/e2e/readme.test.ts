import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { DIST } from "../support/executable.ts";

const ROOT = join(import.meta.dirname, "../..");
const root = process.getuid?.() === 0 && spawnSync("unshare", ["--net", "true"]).status === 0;

/** The indented blocks of a section of README.md, as a user would copy them. */
function blocks(section: string): string[] {
  const text = readFileSync(join(ROOT, "README.md"), "utf8");
  const part = text.split(/^## /m).find((each) => each.startsWith(section)) ?? "";
  return [...part.matchAll(/(?:^ {4}.*\n)+/gm)].map((match) => match[0].replaceAll(/^ {4}/gm, ""));
}

describe("README", () => {
  it('brings up a mesh with the commands of "Use it"', {
    skip: root ? false : "this machine lets nobody make a network namespace (root)",
  }, (test) => {
    const dir = mkdtempSync(join(tmpdir(), "readme-"));
    test.after(() => rmSync(dir, { recursive: true, force: true }));
    symlinkSync(DIST, join(dir, "dist"));
    const [controlPlane = "", sidecar = ""] = blocks("Use it");
    assert.match(controlPlane, /^dist\/monomesh cp run/);
    assert.match(sidecar, /dp run/);
    writeFileSync(
      join(dir, "readme.sh"),
      `set -e
cd ${dir}
export HOME=${dir} MONOMESH_GENERAL_WORK_DIR=${dir}/cp
ip link set lo up
${controlPlane.trim()} >cp.log 2>&1 &
cp=$!
for i in $(seq 200); do curl -sf http://127.0.0.1:5680/ready >/dev/null && break; sleep 0.05; done
${sidecar.trim()} >dp.log 2>&1 &
dp=$!
for i in $(seq 200); do dist/monomesh get dataplanes 2>/dev/null | grep -q Online && break; sleep 0.1; done
dist/monomesh get dataplanes
kill $dp; kill $dp; wait $dp || true
kill $cp; wait $cp || true
cat dp.log >&2
`,
    );
    const run = spawnSync("unshare", ["--net", "bash", join(dir, "readme.sh")], { encoding: "utf8", timeout: 60_000 });
    assert.equal(run.status, 0, run.stderr);
    assert.match(run.stdout, /default +redis-1 +redis +127\.0\.0\.1 +Online/, run.stderr);
  });

  it("names only verbs that build.sh has", () => {
    const usage = spawnSync("bash", [join(ROOT, "build.sh"), "help"], { encoding: "utf8" }).stdout;
    const text = readFileSync(join(ROOT, "README.md"), "utf8");
    for (const [, verb = ""] of text.matchAll(/^ {4}\.\/build\.sh (\w+)/gm))
      assert.ok(usage.includes(`build.sh ${verb}`), verb);
  });
});
