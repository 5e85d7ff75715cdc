import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "../../../../core/kernel/clock.ts";
import { createLogger } from "../../../../core/kernel/log.ts";
import { EnvoyAdmin } from "../../../../core/sidecar/envoy/envoy-admin.ts";
import { EnvoyKeeper } from "../../../../core/sidecar/envoy/envoy-keeper.ts";
import { type EnvoyWatchOptions, type FrozenEnvoy, watchEnvoy } from "../../../../core/sidecar/envoy/envoy-watch.ts";
import { processState } from "../../../../core/sidecar/work-dir/process-identity.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

const ENVOY = process.env["ENVOY_BINARY"] ?? join(import.meta.dirname, "../../../../.build/envoy/envoy");
const LIVE = { status: 200, state: "LIVE" };

function watch(test: TestContext, options: Pick<EnvoyWatchOptions, "admin" | "pid"> & Partial<EnvoyWatchOptions>) {
  const clock = new ManualClock();
  const changes: (FrozenEnvoy | undefined)[] = [];
  const replaced: string[] = [];
  const events: string[] = [];
  const ended = new AbortController();
  test.after(() => ended.abort());
  void watchEnvoy({
    replace: (why) => void replaced.push(why),
    onChange: (frozen) => void changes.push(frozen),
    log: createLogger({ write: (_level, event, text) => void events.push(`${event}: ${text}`) }),
    clock,
    signal: ended.signal,
    ...options,
  });
  return { clock, changes, replaced, events, ended };
}

/** A process that can be stopped; what it runs does not matter. */
function startChild(test: TestContext): ChildProcess & { readonly pid: number } {
  const child = spawn("sleep", ["600"], { stdio: "ignore" });
  test.after(() => child.kill("SIGKILL"));
  assert.ok(child.pid);
  return child as ChildProcess & { readonly pid: number };
}

async function signal(child: { readonly pid: number }, name: NodeJS.Signals, state: RegExp): Promise<void> {
  process.kill(child.pid, name);
  for (let tries = 0; !state.test(processState(child.pid) ?? ""); tries++) {
    assert.ok(tries < 500, `${name} has had no effect`);
    await sleep(5);
  }
}

test("a stopped process is noticed at once, let go on if it does, replaced after 30 s", async (test) => {
  const child = startChild(test);
  const { clock, changes, replaced, events } = watch(test, {
    admin: { ready: async () => LIVE },
    pid: () => child.pid,
  });
  await clock.advance(10_000);
  assert.equal(changes.length, 0);
  await signal(child, "SIGSTOP", /T/);
  await clock.advance(2000);
  assert.equal(changes.at(-1)?.kind, "stopped");
  await signal(child, "SIGCONT", /S/);
  await clock.advance(2000);
  assert.equal(changes.at(-1), undefined);
  assert.deepEqual(events, [
    `envoy-frozen: Envoy (process ${child.pid}) is stopped by a signal (kill -CONT lets it go on)`,
    "envoy-answers: Envoy answers again",
  ]);
  await signal(child, "SIGSTOP", /T/);
  await clock.advance(28_000);
  assert.deepEqual(replaced, []);
  await clock.advance(2000);
  assert.deepEqual(replaced, ["it is stopped by a signal (kill -CONT lets it go on), for 30s"]);
});

test("a silent one counts as frozen after 10 s, and is replaced after a minute", async (test) => {
  const child = startChild(test);
  let answer: typeof LIVE | undefined;
  const { clock, changes, replaced } = watch(test, { admin: { ready: async () => answer }, pid: () => child.pid });
  await clock.advance(8000);
  assert.equal(changes.length, 0);
  answer = LIVE;
  await clock.advance(2000);
  answer = undefined;
  await clock.advance(10_000);
  assert.deepEqual(
    changes.map((each) => each?.kind),
    ["silent"],
  );
  await clock.advance(48_000);
  assert.deepEqual(replaced, []);
  await clock.advance(2000);
  assert.deepEqual(replaced, ["it lives but does not answer, for 1m"]);
});

test("a pause of the machine is not the time of a silence, and another process begins anew", async (test) => {
  const children = [startChild(test), startChild(test)];
  let current: number | undefined = children[0]?.pid;
  const clock = new ManualClock();
  // The answer to the first question comes never, as the whole machine stood still for an hour.
  const ready = async () => {
    if (clock.monotonic() < 3000) await clock.advance(3_600_000);
    return undefined;
  };
  const seen = watch(test, { admin: { ready }, pid: () => current, clock });
  await clock.advance(2000);
  assert.deepEqual([seen.changes, seen.replaced], [[], []]);
  await clock.advance(4000);
  current = undefined;
  await clock.advance(2000);
  current = children[1]?.pid;
  await clock.advance(8000);
  assert.deepEqual([seen.changes, seen.replaced], [[], []]);
});

test("a real Envoy that is stopped is replaced by another", async (test) => {
  const dir = mkdtempSync(join(tmpdir(), "envoy-watch-"));
  const admin = new EnvoyAdmin({ path: join(dir, "admin.sock") });
  const config = join(dir, "bootstrap.json");
  writeFileSync(config, JSON.stringify({ admin: { address: { pipe: { path: join(dir, "admin.sock") } } } }));
  const started: number[] = [];
  const texts: string[] = [];
  const keeper = new EnvoyKeeper({
    command: {
      ...{ binary: ENVOY, config, drainTime: 1000, logLevel: "", componentLogLevel: "", concurrency: 1 },
      env: {},
    },
    clock: systemClock,
    log: createLogger({ write: (_level, _event, text) => void texts.push(text) }),
    verbatim: false,
    onStart: (pid) => void started.push(pid),
    onFailure: (error) => assert.fail(error),
  });
  test.after(async () => {
    await keeper.stop("now");
    rmSync(dir, { recursive: true });
  });
  const live = async () => {
    for (let tries = 0; (await admin.ready())?.state !== "LIVE"; tries++) {
      assert.ok(tries < 500, "Envoy is live");
      await sleep(20);
    }
  };
  keeper.start();
  await live();
  keeper.served();
  const [first = 0] = started;
  const { clock } = watch(test, { admin, pid: () => keeper.pid, replace: (why) => keeper.replace(why) });
  await signal({ pid: first }, "SIGSTOP", /T/);
  await clock.advance(32_000);
  await live();
  assert.equal(started.length, 2);
  assert.equal(processState(first), undefined);
  assert.match(
    texts.find((text) => text.startsWith("Envoy ended")) ?? "",
    /^Envoy ended by SIGKILL from its supervisor, since it is stopped by a signal \(.*\), for 30s\. It is started again in 100ms$/,
  );
});
