import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
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
    const script = join(import.meta.dirname, "page.sh");
    const inside = `mount -t tmpfs tmpfs /tmp && exec bash ${script} ${DIST}`;
    const run = spawnSync("unshare", ["--net", "--mount", "bash", "-c", inside], { encoding: "utf8", timeout: 60_000 });
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
