import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { DIST } from "./executable.ts";

/** Network, mounts and processes of its own: whatever a script leaves behind ends with it. */
const OWN = ["--net", "--mount-proc", "--pid", "--fork", "--kill-child"];
const root = process.getuid?.() === 0 && spawnSync("unshare", [...OWN, "true"]).status === 0;

/** For `skip`: why `play` cannot run here, or false. */
export const cannotPlay = root ? false : "this machine lets nobody make namespaces (root)";

/**
 * Runs a script in a network of its own, with `monomesh` on the path and an empty home. `ready` waits for
 * a control plane that writes to `cp.log`. Fails when a command does.
 */
export function play(test: TestContext, lines: readonly string[]): { readonly out: string; readonly err: string } {
  const dir = mkdtempSync(join(tmpdir(), "play-"));
  test.after(() => rmSync(dir, { recursive: true, force: true }));
  const script = join(dir, "script.sh");
  writeFileSync(
    script,
    `set -e
cd ${dir}
export PATH=${DIST}:$PATH HOME=${dir} MONOMESH_GENERAL_WORK_DIR=${dir}/work
ip link set lo up
ready() { for i in $(seq 400); do curl -sf http://127.0.0.1:5680/ready >/dev/null && return; sleep 0.05; done; cat ${dir}/cp.log; exit 1; }
${lines.join("\n")}
`,
  );
  const run = spawnSync("unshare", [...OWN, "bash", script], { encoding: "utf8", timeout: 120_000 });
  assert.equal(run.status, 0, run.stderr + run.stdout);
  return { out: run.stdout, err: run.stderr };
}

/** Writes `web-1.yaml`, a Dataplane. */
export const WEB_1 = `cat > web-1.yaml <<END
type: Dataplane
mesh: default
name: web-1
networking:
  address: 192.168.0.1
  inbound:
  - port: 8080
    servicePort: 80
    tags:
      kuma.io/service: web
END`;
