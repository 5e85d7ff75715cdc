import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { openTestMesh } from "../support/mesh.ts";
import { notifySocketLack, openNotifySocket } from "../support/notify-socket.ts";
import { kill, lastEnvoy, until } from "./dp/sidecar-world.ts";

/** systemd's variables for a watchdog of 2 s; children of this process get them. */
async function asService(test: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), "notify-"));
  test.after(() => rmSync(dir, { recursive: true }));
  const socket = await openNotifySocket(test, join(dir, "notify"));
  const env = { NOTIFY_SOCKET: socket.address, WATCHDOG_USEC: "2000000" };
  Object.assign(process.env, env);
  test.after(() => {
    for (const name of Object.keys(env)) delete process.env[name];
  });
  const fed = () => socket.messages.filter((each) => each === "WATCHDOG=1").length;
  return { socket, fed, others: () => socket.messages.filter((each) => each !== "WATCHDOG=1") };
}

describe("under systemd", { skip: notifySocketLack() }, () => {
  test("a control plane says when it is ready and when it stops, and feeds the watchdog", async (test) => {
    const { fed, others } = await asService(test);
    const { mesh } = await openTestMesh(test);
    await until(() => fed() >= 3, "the watchdog is fed");
    assert.match(others().join("\n"), /^READY=1 \| STATUS=control plane \S+, store sqlite$/);
    mesh.controlPlane().process.kill("SIGTERM");
    assert.equal(await mesh.controlPlane().exited, 0);
    await until(() => others().length === 2, "its last message");
    assert.match(others()[1] ?? "", /^STOPPING=1 \| STATUS=stopping/);
  });

  test("so does a sidecar, whose watchdog starves while Envoy stands still", async (test) => {
    const { mesh, http } = await openTestMesh(test);
    const { socket, fed, others } = await asService(test);
    const sidecar = await mesh.startSidecar(await http("web-1", "web"));
    await until(() => fed() >= 2, "the watchdog is fed");
    assert.deepEqual(others(), [
      "STATUS=joining mesh default as web-1",
      "READY=1 | STATUS=serving web-1 in mesh default",
    ]);
    assert.ok(socket.messages.indexOf("WATCHDOG=1") > 0, "not before it is ready");
    const envoy = lastEnvoy(sidecar) ?? 0;
    kill(envoy, "SIGSTOP");
    await until(() => others().length === 3, "word of the frozen Envoy");
    assert.match(others()[2] ?? "", /^STATUS=Envoy is stopped by a signal/);
    const starved = fed();
    await sleep(2500);
    assert.ok(fed() <= starved + 1, "one may have been on its way");
    kill(envoy, "SIGCONT");
    await until(() => fed() >= starved + 2, "fed again");
    assert.equal(others()[3], "STATUS=serving web-1 in mesh default");
    sidecar.process.kill("SIGTERM");
    assert.equal(await sidecar.exited, 0);
    assert.match(others()[4] ?? "", /^STOPPING=1 \| STATUS=draining \| EXTEND_TIMEOUT_USEC=20000000$/);
  });
});
