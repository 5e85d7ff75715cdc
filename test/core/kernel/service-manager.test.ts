import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { systemClock } from "../../../core/kernel/clock.ts";
import { createLogger } from "../../../core/kernel/log.ts";
import { Scope } from "../../../core/kernel/scope.ts";
import { openServiceManager } from "../../../core/kernel/service-manager.ts";
import { until } from "../../cmd/dp/sidecar-world.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { notifySocketLack, openNotifySocket } from "../../support/notify-socket.ts";

const PATH = process.env["PATH"] ?? "";

function directory(test: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "notify-"));
  test.after(() => rmSync(dir, { recursive: true }));
  return dir;
}

function open(test: TestContext, env: Record<string, string>, alive = () => true) {
  const scope = new Scope("test");
  test.after(() => scope.close());
  const lines: string[] = [];
  const clock = new ManualClock();
  const log = createLogger({ write: (_level, event) => void lines.push(event) });
  return { manager: openServiceManager({ env: { PATH, ...env }, clock, log, scope, alive }), clock, lines, scope };
}

/** The receiver is a child of this process too; a sender that has ended is none any more. */
function senderGone(): Promise<void> {
  const children = `/proc/${process.pid}/task/${process.pid}/children`;
  return until(() => readFileSync(children, "utf8").trim().split(" ").length === 1, "the end of the sender");
}

describe("telling systemd", { skip: notifySocketLack() }, () => {
  for (const kind of ["a path", "the abstract namespace"]) {
    test(`ready, status, stopping, in order; the socket is in ${kind}`, async (test) => {
      const at = kind === "a path" ? join(directory(test), "notify") : `@monomesh-test-${process.pid}`;
      const socket = await openNotifySocket(test, at);
      const { manager } = open(test, { NOTIFY_SOCKET: at });
      manager.status("joining");
      manager.ready("serving $HOME `id`\nand more");
      manager.stopping("draining", 30_000);
      await until(() => socket.messages.length === 3, "three messages");
      assert.deepEqual(socket.messages, [
        "STATUS=joining",
        "READY=1 | STATUS=serving $HOME `id` and more",
        "STOPPING=1 | STATUS=draining | EXTEND_TIMEOUT_USEC=45000000",
      ]);
    });
  }

  test("the watchdog is fed in half of its time, from ready on, while the service is alive", async (test) => {
    const socket = await openNotifySocket(test, join(directory(test), "notify"));
    let alive = true;
    const env = { NOTIFY_SOCKET: socket.address, WATCHDOG_USEC: "30000000", WATCHDOG_PID: String(process.pid) };
    const { manager, clock, scope } = open(test, env, () => alive);
    const fed = () => socket.messages.filter((each) => each === "WATCHDOG=1").length;
    await clock.advance(60_000);
    manager.ready("x");
    for (let times = 1; times <= 4; times++) {
      await until(() => fed() === times, `fed ${times} times`);
      await senderGone();
      await clock.advance(times < 4 ? 15_000 : 0);
    }
    alive = false;
    await clock.advance(30_000);
    manager.status("frozen");
    await until(() => socket.messages.at(-1) === "STATUS=frozen", "status");
    assert.equal(fed(), 4);
    alive = true;
    await senderGone();
    await clock.advance(15_000);
    await until(() => fed() === 5, "fed again");
    await scope.close();
    await clock.advance(60_000);
    assert.equal(fed(), 5);
  });

  test("a watchdog of another process is not fed", async (test) => {
    const socket = await openNotifySocket(test, join(directory(test), "notify"));
    const { manager, clock } = open(test, {
      ...{ NOTIFY_SOCKET: socket.address, WATCHDOG_USEC: "1000000", WATCHDOG_PID: String(process.pid + 1) },
    });
    manager.ready("x");
    await clock.advance(10_000);
    manager.status("y");
    await until(() => socket.messages.length >= 2, "two messages");
    assert.deepEqual(socket.messages, ["READY=1 | STATUS=x", "STATUS=y"]);
  });

  test("without systemd-notify Perl does it", async (test) => {
    const dir = directory(test);
    const perl = spawnSync("sh", ["-c", "command -v perl"]).stdout.toString().trim();
    symlinkSync(perl, join(dir, "perl"));
    for (const address of [join(dir, "notify"), `@monomesh-perl-${process.pid}`]) {
      const socket = await openNotifySocket(test, address);
      const { manager, lines } = open(test, { PATH: dir, NOTIFY_SOCKET: address });
      manager.ready("serving");
      await until(() => socket.messages.length === 1, "a message");
      assert.deepEqual([socket.messages, lines], [["READY=1 | STATUS=serving"], []]);
    }
  });
});

test("without systemd nothing is done; without a program to tell it, that is said once", async (test) => {
  const none = open(test, {});
  none.manager.ready("x");
  const poor = open(test, { PATH: directory(test), NOTIFY_SOCKET: "/nowhere" });
  for (const text of ["a", "b", "c"]) poor.manager.status(text);
  await until(() => poor.lines.length > 0, "a line");
  await systemClock.sleep(50, new AbortController().signal);
  assert.deepEqual([none.lines, poor.lines], [[], ["notify"]]);
});
