import assert from "node:assert/strict";
import { test } from "node:test";
import { MeshError } from "../../../core/kernel/errors.ts";
import { ChangeLog } from "../../../core/store/change-log.ts";
import type { Change } from "../../../core/store/resource-store.ts";

function changes(first: number, last: number): Change[] {
  return Array.from({ length: last - first + 1 }, (_, at) => {
    const revision = first + at;
    const key = { type: "Dataplane", mesh: "default", name: `n${revision}` };
    const resource = { ...key, labels: {}, spec: {}, creationTime: 0, modificationTime: 0, version: 1, revision };
    return { revision, op: "put", resource };
  });
}

/** The revisions a watch gives until it would wait. */
async function given(log: ChangeLog, revision: number): Promise<number[]> {
  const seen: number[] = [];
  for await (const batch of log.watch(revision, AbortSignal.timeout(10_000))) {
    seen.push(...batch.map((change) => change.revision));
    if (seen.at(-1) === log.last) break;
  }
  return seen;
}

const gone = (error: unknown) => error instanceof MeshError && error.code === "MM510";

test("at least as many changes are kept as the capacity says, and older ones are gone", async () => {
  const log = new ChangeLog({ capacity: 10, start: 100 });
  for (let revision = 101; revision <= 150; revision++) {
    log.append(changes(revision, revision));
    const oldest = Math.max(100, revision - 10);
    assert.equal((await given(log, oldest)).length, revision - oldest);
    if (revision > 111) await assert.rejects(given(log, oldest - 1), gone);
  }
});

test("changes appended at once are kept together, until later ones fill the capacity", async () => {
  const log = new ChangeLog({ capacity: 10, start: 0 });
  log.append(changes(1, 1));
  log.append(changes(2, 1001));
  for (let revision = 1002; revision <= 1010; revision++) log.append(changes(revision, revision));
  assert.equal((await given(log, 1)).length, 1009);
  log.append(changes(1011, 1011));
  await assert.rejects(given(log, 1), gone);
  assert.equal((await given(log, 1001)).length, 10);
});

test("older changes come from where the store keeps them, then the log goes on", async () => {
  const asked: number[] = [];
  const older = (revision: number) => {
    asked.push(revision);
    return revision >= 50 ? changes(revision + 1, revision + 20) : undefined;
  };
  const log = new ChangeLog({ capacity: 10, start: 90, older });
  log.append(changes(91, 95));
  assert.deepEqual(
    await given(log, 50),
    changes(51, 95).map((change) => change.revision),
  );
  assert.deepEqual(asked, [50, 70]);
  await assert.rejects(given(log, 49), gone);
});

test("a watch ahead of the log waits for it, if the store has come that far", async () => {
  let newest = 7;
  const log = new ChangeLog({ capacity: 10, start: 5, newest: () => newest });
  const iterator = log.watch(7, AbortSignal.timeout(10_000));
  const next = iterator.next();
  log.append(changes(6, 7));
  newest = 8;
  log.append(changes(8, 8));
  assert.deepEqual((await next).value, changes(8, 8));
  await iterator.return();
  await assert.rejects(given(log, 9), gone);
});

test("watchers that keep up share one array", async () => {
  const log = new ChangeLog({ capacity: 10, start: 0 });
  const watches = [1, 2, 3].map(() => log.watch(0, AbortSignal.timeout(10_000)));
  const waiting = watches.map((watch) => watch.next());
  log.append(changes(1, 3));
  const [first, ...others] = await Promise.all(waiting);
  for (const other of others) assert.equal(other.value, first?.value);
  for (const watch of watches) await watch.return();
});

test("a watcher that catches up gets a thousand changes at a time", async () => {
  const log = new ChangeLog({ capacity: 5000, start: 0 });
  log.append(changes(1, 2500));
  const sizes: number[] = [];
  for await (const batch of log.watch(0, AbortSignal.timeout(10_000))) {
    sizes.push(batch.length);
    if (sizes.length === 3) break;
  }
  assert.deepEqual(sizes, [1000, 1000, 500]);
});
