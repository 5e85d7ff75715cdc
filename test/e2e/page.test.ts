import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { DIST, EXECUTABLE } from "../support/executable.ts";

const has = (program: string, ...args: string[]) => spawnSync(program, args, { stdio: "ignore" }).status === 0;

const lacking = [
  process.getuid?.() === 0 ? undefined : "root (for a network namespace)",
  has("unshare", "--net", "--mount", "true") ? undefined : "network namespaces",
  has("redis-server", "--version") && has("redis-cli", "--version") ? undefined : "redis-server and redis-cli",
  has("ip", "-Version") ? undefined : "ip (iproute2)",
  has("curl", "--version") ? undefined : "curl",
].filter((each) => each !== undefined);

describe("the page", () => {
  it("works word for word", { skip: lacking.length > 0 ? `this machine lacks ${lacking.join(", ")}` : false }, () => {
    // The page writes to /tmp, so it gets one of its own; the checkout itself may lie in /tmp and must stay visible.
    const seen = mkdtempSync("/var/tmp/monomesh-page-");
    const inside = [
      `mkdir ${seen}/e2e ${seen}/dist`,
      `mount --bind ${import.meta.dirname} ${seen}/e2e`,
      `mount --bind ${DIST} ${seen}/dist`,
      "mount -t tmpfs tmpfs /tmp",
      `exec bash ${seen}/e2e/page.sh ${seen}/dist`,
    ].join(" && ");
    const run = spawnSync("unshare", ["--net", "--mount", "bash", "-c", inside], { encoding: "utf8", timeout: 60_000 });
    for (const folder of ["e2e", "dist", ""]) rmdirSync(join(seen, folder));
    assert.equal(run.status, 0, run.stderr);
    const values = Object.fromEntries(
      run.stdout
        .trim()
        .split("\n")
        .map((line) => line.split("=", 2)),
    );
    assert.deepEqual(values, {
      direct: "PONG",
      mesh: "PONG",
      stdout_bytes: "0",
      dataplanes: "2",
      exit: "0",
      after_leave: "404",
    });
  });

  it("has a slip in its Indirect example, and gets the right command for it", () => {
    const run = spawnSync(EXECUTABLE, ["run", "--name=my-backend-dp", "--mesh=default"], {
      argv0: "kuma-cp",
      encoding: "utf8",
    });
    assert.equal(run.status, 64);
    assert.match(run.stderr, /kuma-dp run --name=my-backend-dp --mesh=default/);
    assert.equal(run.stdout, "");
  });
});
