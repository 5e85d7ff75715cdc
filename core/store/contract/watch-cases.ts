import assert from "node:assert/strict";
import type { Resource } from "../../model/resource.ts";
import type { Change, ResourceStore } from "../resource-store.ts";
import { applyChanges, assertGapless, changesUpTo, changeText, draft, keyOf, rejects } from "./case-tools.ts";
import { KEPT, type StoreCase } from "./store-case.ts";

/** Several writers at once, with puts, conflicts and deletes; returns the revision afterwards. */
async function writeALot(store: ResourceStore, writers: number, rounds: number): Promise<number> {
  const write = async (writer: number) => {
    for (let round = 0; round < rounds; round++) {
      const own = draft(`w${writer}-${round % 5}`, { spec: { round } });
      await store.put(own);
      await store.put(draft("shared", { spec: { writer, round } }));
      await store.put(draft("shared"), { expectedVersion: 0 }).catch(() => undefined);
      if (round % 3 === 0) await store.delete(keyOf(own));
    }
  };
  await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
  return store.revision();
}

async function next(iterator: AsyncIterator<readonly Change[]>): Promise<readonly Change[]> {
  const step = await iterator.next();
  assert.equal(step.done ?? false, false, "the watch ended too early");
  return step.value;
}

export const watchCases: readonly StoreCase[] = [
  {
    name: "a watch from 0 gives the whole history in order",
    async run({ store, signal }) {
      await store.put(draft("a"));
      const last = await store.put(draft("a", { spec: 2 }));
      await store.delete(keyOf(draft("a")));
      await store.put(draft("a"));
      const changes = await changesUpTo(store, 0, 4, signal);
      assert.deepEqual(changes.map(changeText), [
        "1 put Dataplane a v1",
        "2 put Dataplane a v2",
        "3 delete Dataplane a v2",
        "4 put Dataplane a v1",
      ]);
      assert.deepEqual(changes[2]?.resource, last, "a delete carries the last resource there was");
      assert.deepEqual(changes[3]?.resource, await store.get(keyOf(draft("a"))));
    },
  },
  {
    name: "a watch that waits gets a change when it is made",
    async run({ store, signal }) {
      const iterator = store.watch(0, signal)[Symbol.asyncIterator]();
      for (let round = 1; round <= 20; round++) {
        const waiting = next(iterator);
        const stored = await store.put(draft("a", { spec: { round } }));
        const batch = await waiting;
        assert.deepEqual(batch, [{ revision: round, op: "put", resource: stored }]);
      }
      await iterator.return?.();
    },
  },
  {
    name: "a refused write uses up no revision and is not told",
    async run({ store, signal }) {
      await store.put(draft("a"));
      await rejects("MM409", store.put(draft("a"), { expectedVersion: 0 }));
      await rejects("MM404", store.delete(keyOf(draft("b"))));
      await store.put(draft("c"));
      assertGapless(await changesUpTo(store, 0, 2, signal), 1, 2);
    },
  },
  {
    name: "watches that start while writes go on have no gap and no duplicate",
    async run({ store, signal }) {
      const starts: number[] = [];
      const watches: Promise<Change[]>[] = [];
      const follow = async (from: number) => {
        const seen: Change[] = [];
        for await (const batch of store.watch(from, signal)) {
          seen.push(...batch);
          if (batch.some((change) => change.resource.name === "end")) break;
          if (seen.length % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
        }
        return seen;
      };
      const writing = writeALot(store, 4, 40);
      for (let at = 0; at < 12; at++) {
        const from = at % 2 === 0 ? await store.revision() : (await store.list("Dataplane")).revision;
        starts.push(from);
        watches.push(follow(from));
        await store.put(draft(`watcher-${at}`));
      }
      await writing;
      const last = (await store.put(draft("end"))).revision;
      const seen = await Promise.all(watches);
      seen.forEach((changes, at) => {
        assertGapless(changes, (starts[at] ?? 0) + 1, last);
      });
    },
  },
  {
    name: "list and watch together give the store's content",
    async run({ store, signal }) {
      const writing = writeALot(store, 3, 30);
      const page = await store.list("Dataplane");
      const picture = new Map<string, Resource>();
      applyChanges(
        picture,
        page.items.map((resource) => ({ revision: resource.revision, op: "put", resource })),
      );
      await writing;
      const last = await store.revision();
      applyChanges(picture, await changesUpTo(store, page.revision, last, signal));
      const now = (await store.list("Dataplane")).items;
      assert.deepEqual(
        [...picture.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
        now,
      );
    },
  },
  {
    name: "what a watcher was told, a read sees",
    async run({ store, signal }) {
      const checking = (async () => {
        for await (const batch of store.watch(0, signal)) {
          for (const change of batch) {
            assert.ok((await store.revision()) >= change.revision);
            const now = await store.get(keyOf(change.resource));
            assert.ok(
              now === undefined || now.revision >= change.resource.revision,
              "the read is older than the change",
            );
            if (change.resource.name === "end") return;
          }
        }
      })();
      await writeALot(store, 3, 20);
      await store.put(draft("end"));
      await checking;
    },
  },
  {
    name: "several watchers are each told everything",
    async run({ store, signal }) {
      const last = 200;
      const watchers = Array.from({ length: 50 }, () => changesUpTo(store, 0, last, signal));
      await Promise.all(Array.from({ length: last }, (_, at) => store.put(draft(`n${at}`))));
      for (const changes of await Promise.all(watchers)) assertGapless(changes, 1, last);
    },
  },
  {
    name: "an abort ends the watch at once, also one that waits",
    async run({ store, signal }) {
      await store.put(draft("a"));
      const controller = new AbortController();
      const iterator = store.watch(0, AbortSignal.any([signal, controller.signal]))[Symbol.asyncIterator]();
      assert.equal((await next(iterator)).length, 1);
      const waiting = iterator.next();
      controller.abort();
      assert.equal((await waiting).done, true);
      for await (const _ of store.watch(0, AbortSignal.abort())) assert.fail("an aborted watch told something");
      await store.put(draft("b"));
      assert.equal((await iterator.next()).done, true);
    },
  },
  {
    name: "a watch from a revision that was never reached is MM510",
    async run({ store, signal }) {
      await store.put(draft("a"));
      await rejects("MM510", changesUpTo(store, 5, 6, signal));
      await store.put(draft("b"));
      assertGapless(await changesUpTo(store, 1, 2, signal), 2, 2);
    },
  },
  {
    name: "a watch from a revision that is no longer kept is MM510",
    needs: "compacts",
    async run({ store, signal }) {
      const last = 40 * KEPT;
      for (let at = 0; at < last; at++) await store.put(draft("a", { spec: { at } }));
      await rejects("MM510", changesUpTo(store, 0, last, signal));
      assertGapless(await changesUpTo(store, last - KEPT, last, signal), last - KEPT + 1, last);
    },
  },
  {
    name: "a watcher that falls behind what is kept is told so (MM510), others are not disturbed",
    needs: "compacts",
    async run({ store, signal }) {
      const slow = store.watch(0, signal)[Symbol.asyncIterator]();
      const waiting = next(slow);
      await store.put(draft("a"));
      await waiting;
      const quick = store.watch(1, signal)[Symbol.asyncIterator]();
      for (let revision = 2; revision <= 40 * KEPT; revision++) {
        const told = next(quick);
        await store.put(draft("a"));
        assertGapless(await told, revision, revision);
      }
      await rejects("MM510", Promise.resolve(slow.next()));
      await quick.return?.();
    },
  },
  {
    name: "a delete of ten thousand resources reaches a watcher whole",
    needs: "large",
    async run({ store, signal }) {
      await store.put(draft("owner"));
      const many = 10_000;
      for (let start = 0; start < many; start += 2000) {
        await Promise.all(
          Array.from({ length: 2000 }, (_, at) => store.put(draft(`n${start + at}`), { owner: keyOf(draft("owner")) })),
        );
      }
      const told = changesUpTo(store, many + 1, 2 * many + 2, signal);
      const [changes] = await Promise.all([told, store.delete(keyOf(draft("owner")))]);
      assertGapless(changes, many + 2, 2 * many + 2);
      assert.equal((await store.list("Dataplane")).total, 0);
    },
  },
];
