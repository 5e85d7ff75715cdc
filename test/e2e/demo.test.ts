import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { EXECUTABLE } from "../support/executable.ts";

/** A directory for temporary files of the demo's own, to see what it leaves behind. */
function ownTmp(test: TestContext): { readonly dir: string; readonly env: NodeJS.ProcessEnv } {
  const dir = mkdtempSync(join(tmpdir(), "demo-test-"));
  test.after(() => rmSync(dir, { recursive: true, force: true }));
  return { dir, env: { ...process.env, TMPDIR: dir } };
}

/** Processes whose command line names the directory: everything the demo starts is given files in it. */
function processesOf(dir: string): string[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((entry) => {
      try {
        const line = readFileSync(`/proc/${entry}/cmdline`, "utf8").replaceAll("\0", " ");
        return line.includes(dir) ? [`${entry} ${line}`] : [];
      } catch {
        return [];
      }
    });
}

describe("the demo", () => {
  it("plays all seven steps, in order, and leaves nothing behind", (test) => {
    const { dir, env } = ownTmp(test);
    const run = spawnSync(EXECUTABLE, ["demo"], { encoding: "utf8", env, timeout: 90_000 });
    assert.equal(run.status, 0, run.stdout + run.stderr);
    for (const line of run.stdout.split("\n")) test.diagnostic(line);
    const steps = run.stdout.split("\n").filter((line) => /^ {2}\d {2}/.test(line));
    assert.deepEqual(
      steps.map((line) => line.trim()[0]),
      ["1", "2", "3", "4", "5", "6", "7"],
    );
    assert.match(steps[2] ?? "", /PONG/);
    for (const step of [3, 4, 6]) assert.match(steps[step] ?? "", /0 of \d+ requests failed/);
    assert.match(run.stdout, /3 dataplanes: 3 online/);
    assert.deepEqual(processesOf(dir), []);
    assert.deepEqual(
      readdirSync(dir).filter((name) => name.startsWith("monomesh-demo")),
      [],
    );
  });

  for (const step of [2, 3, 4, 6]) {
    it(`cleans up at Ctrl-C in step ${step}`, async (test) => {
      const { dir, env } = ownTmp(test);
      const child = spawn(EXECUTABLE, ["demo"], { env, stdio: ["ignore", "pipe", "inherit"] });
      const ended = new Promise((resolve) => child.on("close", resolve));
      let told = "";
      for await (const data of child.stdout) {
        const before = told.includes(`  ${step}  `);
        told += data;
        if (!before && told.includes(`  ${step}  `)) child.kill("SIGINT");
      }
      assert.equal(await ended, 130, told);
      assert.ok(!told.includes(`  ${step + 1}  `), told);
      assert.deepEqual(processesOf(dir), []);
      assert.deepEqual(
        readdirSync(dir).filter((name) => name.startsWith("monomesh-demo")),
        [],
      );
    });
  }

  it("says what --keep is for, and refuses what it does not know", () => {
    assert.match(spawnSync(EXECUTABLE, ["demo", "--help"], { encoding: "utf8" }).stdout, /--keep/);
    assert.equal(spawnSync(EXECUTABLE, ["demo", "--kep"], { encoding: "utf8" }).status, 2);
  });
});
