import assert from "node:assert/strict";
import { after, before, describe, it, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../../../cmd/demo/eventually.ts";
import { systemClock } from "../../../core/kernel/clock.ts";
import { silentLogger } from "../../../core/kernel/log.ts";
import type { ResourceDraft } from "../../../core/model/resource.ts";
import type { SharedStore } from "../../../core/store/leadership.ts";
import type { Change, ResourceStore } from "../../../core/store/resource-store.ts";
import { openPool } from "../../../plugins/store-postgres/connection.ts";
import { readContent } from "../../../plugins/store-postgres/database.ts";
import { openPostgresStore } from "../../../plugins/store-postgres/postgres-store.ts";
import { openLink } from "../../core/sidecar/frozen-link.ts";
import { postgresMissing, startPostgres, type TestPostgres } from "../../support/postgres.ts";

const draft = (name: string, spec: unknown = {}): ResourceDraft => ({
  type: "Dataplane",
  mesh: "default",
  name,
  labels: {},
  spec,
});

/** Everything that a watch tells, with the time it did. */
function record(test: TestContext, store: ResourceStore, from: number) {
  const stop = new AbortController();
  test.after(() => stop.abort());
  const seen: { readonly change: Change; readonly at: number }[] = [];
  let error: { code?: string } | undefined;
  const watching = (async () => {
    for await (const batch of store.watch(from, stop.signal)) {
      for (const change of batch) seen.push({ change, at: performance.now() });
    }
  })().catch((thrown) => {
    error = thrown;
  });
  return { seen, error: () => error, ended: watching };
}

describe("the PostgreSQL store of several control planes", { skip: postgresMissing() ?? false }, () => {
  let server: TestPostgres;
  before(async () => {
    server = await startPostgres({ fsync: "off" });
  });
  after(() => server.stop());

  async function open(
    test: TestContext,
    database: string,
    port = server.port,
    retainedChanges?: number,
  ): Promise<SharedStore> {
    const postgres = { ...server.options(database), port };
    const store = await openPostgresStore({ postgres, clock: systemClock, log: silentLogger, retainedChanges });
    test.after(() => store.close());
    return store;
  }

  it("tells each of them everything in one order, soon, and reads see what any of them wrote", async (test) => {
    const database = await server.createDatabase();
    const stores = await Promise.all([open(test, database), open(test, database), open(test, database)]);
    const records = stores.map((store) => record(test, store, 0));
    const total = 300;
    await Promise.all(
      stores.map(async (store, writer) => {
        for (let round = 0; round < total / 3; round++) {
          const { revision } = await store.put(draft(`w${writer}-${round % 10}`, { round }));
          const other = stores[(writer + 1) % 3] as ResourceStore;
          assert.ok((await other.revision()) >= revision, "a read elsewhere is older than an answered write");
        }
      }),
    );
    await eventually(
      () => Promise.resolve(records.map(({ seen }) => seen.length)),
      (counts) => counts.every((count) => count === total),
    );
    const texts = records.map(({ seen }) => seen.map(({ change }) => `${change.revision} ${change.resource.name}`));
    assert.deepEqual(texts[1], texts[0]);
    assert.deepEqual(texts[2], texts[0]);
    assert.deepEqual(
      records[0]?.seen.map(({ change }) => change.revision),
      Array.from({ length: total }, (_, at) => at + 1),
    );

    const [one, two] = stores;
    const latencies: number[] = [];
    const follower = record(test, two, await two.revision());
    for (let round = 0; round < 50; round++) {
      const sent = performance.now();
      await one.put(draft("timed", { round }));
      await eventually(
        () => Promise.resolve(follower.seen.length),
        (count) => count > round,
      );
      latencies.push((follower.seen[round]?.at ?? Number.NaN) - sent);
    }
    const median = latencies.sort((a, b) => a - b)[25] ?? Number.NaN;
    test.diagnostic(`from put at one control plane to the watcher at another: p50 ${median.toFixed(1)} ms`);
    assert.ok(median < 200);
  });

  it("of several that compare and set, one wins, whoever asks", async (test) => {
    const database = await server.createDatabase();
    const stores = await Promise.all([open(test, database), open(test, database)]);
    await stores[0].put(draft("counter", { n: 0 }));
    const add = async (store: ResourceStore) => {
      for (let done = 0; done < 25; ) {
        const current = await store.get(draft("counter"));
        const { n } = (current?.spec ?? {}) as { n: number };
        const put = store.put(draft("counter", { n: n + 1 }), { expectedVersion: current?.version ?? 0 });
        if (
          await put.then(
            () => true,
            (error) => assert.equal(error.code, "MM409"),
          )
        )
          done++;
      }
    };
    await Promise.all([...stores, ...stores].map(add));
    for (const store of stores) assert.deepEqual((await store.get(draft("counter")))?.spec, { n: 100 });
  });

  it("fails a write alone that the database cannot read", async (test) => {
    const store = await open(test, await server.createDatabase());
    const writes = [
      store.put(draft("a")),
      store.delete(draft("nul \0")),
      store.put(draft("b"), { expectedVersion: Number.NaN }),
      store.put(draft("c"), { expectedVersion: 0.5 }),
      store.put(draft("d")),
    ];
    const results = await Promise.allSettled(writes);
    assert.deepEqual(
      results.map((each) => (each.status === "fulfilled" ? "done" : each.reason.code)),
      ["done", "MM500", "MM409", "MM409", "done"],
    );
    assert.equal((await store.list("Dataplane")).total, 2);
  });

  it("makes up for a notification that was lost", async (test) => {
    const database = await server.createDatabase();
    const store = await open(test, database);
    await store.put(draft("a"));
    const { seen } = record(test, store, 1);
    // What another control plane would have committed, without its NOTIFY.
    await server.query(
      database,
      `BEGIN; UPDATE monomesh_state SET revision = 2;
       INSERT INTO monomesh_resources (type, mesh, name, version, revision, created, modified, labels, spec)
         VALUES ('Dataplane', 'default', 'quiet', 1, 2, 5, 5, '{}', '{}');
       INSERT INTO monomesh_changes VALUES (2, 'put', 'Dataplane', 'default', 'quiet', 1, 2, 5, 5, '{}', '{}', 7); COMMIT`,
    );
    await eventually(
      () => Promise.resolve(seen[0]?.change.resource.name),
      (name) => name === "quiet",
    );
    assert.equal((await store.get(draft("quiet")))?.creationTime, 5);
  });

  it("goes on without the database: reads from memory, writes MM503; afterwards it catches up", async (test) => {
    const database = await server.createDatabase();
    const [one, two] = [await open(test, database), await open(test, database)];
    await one.put(draft("a", { n: 1 }));
    await two.revision();
    const { seen, error } = record(test, two, 0);
    await server.kill();
    try {
      for (const store of [one, two]) {
        const started = performance.now();
        assert.deepEqual((await store.get(draft("a")))?.spec, { n: 1 });
        assert.equal((await store.list("Dataplane")).total, 1);
        assert.equal(await store.revision(), 1);
        await assert.rejects(store.put(draft("b")), { code: "MM503", message: /cannot be reached/, todo: /.+/ });
        await assert.rejects(store.delete(draft("a")), { code: "MM503" });
        await assert.rejects(store.epoch(draft("a")), { code: "MM503" });
        await assert.rejects(store.advanceEpoch(draft("a"), 0), { code: "MM503" });
        assert.equal(store.available, false);
        assert.ok(performance.now() - started < 3000, "nobody waits for a server that is not there");
      }
    } finally {
      await server.start();
    }
    await eventually(
      () =>
        one.put(draft("b")).then(
          () => true,
          () => false,
        ),
      (done) => done,
    );
    await eventually(
      () => Promise.resolve(seen.map(({ change }) => change.resource.name)),
      (names) => names.join() === "a,b",
    );
    assert.equal(error(), undefined);
    await eventually(
      () =>
        two.put(draft("c")).then(
          () => true,
          () => false,
        ),
      (done) => done,
    );
    assert.equal((await one.get(draft("c")))?.version, 1);
    assert.deepEqual([one.available, two.available], [true, true]);
  });

  it("finds out that nobody answers any more, and that somebody does again", async (test) => {
    const database = await server.createDatabase();
    await using link = await openLink(() => server.port);
    const store = await open(test, database, link.port);
    await store.put(draft("a"));
    link.freeze();
    const started = performance.now();
    assert.equal((await store.get(draft("a")))?.version, 1);
    assert.ok(performance.now() - started < 8000, "a read waits for a silent server once");
    await assert.rejects(store.put(draft("b")), { code: "MM503" });
    link.thaw();
    await eventually(
      () =>
        store.put(draft("b")).then(
          () => true,
          () => false,
        ),
      (done) => done,
    );
  });

  it("keeps few old changes; who needs one that is gone reads everything anew", async (test) => {
    const database = await server.createDatabase();
    await using link = await openLink(() => server.port);
    const [one, two] = [await open(test, database, server.port, 10), await open(test, database, link.port, 10)];
    await one.put(draft("a", { n: 0 }));
    assert.equal(await two.revision(), 1);
    const { error, ended } = record(test, two, 1);
    link.freeze();
    for (let n = 1; n <= 30; n++) await one.put(draft("a", { n }));
    const changes = async () =>
      (await server.query(database, "SELECT count(*)::int AS n FROM monomesh_changes")).rows[0].n;
    assert.equal(await changes(), 31, "those of the last minute are kept");
    await server.query(
      database,
      `UPDATE monomesh_changes SET made = now() - interval '2 minutes';
       UPDATE monomesh_state SET trimmed = now() - interval '2 minutes'`,
    );
    await one.put(draft("a", { n: 31 }));
    assert.equal(await changes(), 11);
    link.thaw();
    await ended;
    assert.equal(error()?.code, "MM510");
    assert.deepEqual((await two.get(draft("a")))?.spec, { n: 31 });
  });

  it("reads everything anew when the database was put back to an older state", async (test) => {
    const database = await server.createDatabase();
    const store = await open(test, database);
    for (const name of ["kept", "lost-1", "lost-2"]) await store.put(draft(name));
    const { error, ended } = record(test, store, 3);
    // As a failover to a standby that lacked the last transactions: the connections break, and others write meanwhile.
    await server.query(
      database,
      `BEGIN; DELETE FROM monomesh_resources WHERE name LIKE 'lost%'; DELETE FROM monomesh_changes WHERE change > 1;
       INSERT INTO monomesh_changes VALUES (2, 'put', 'Dataplane', 'default', 'x', 1, 2, 5, 5, '{}', '{}', 7),
         (3, 'delete', 'Dataplane', 'default', 'x', 1, 2, 5, 5, '{}', '{}', 8); COMMIT;
       SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    );
    await ended;
    assert.equal(error()?.code, "MM510");
    const { items, revision } = await store.list("Dataplane");
    assert.deepEqual([items.map((item) => item.name), revision], [["kept"], 3]);
    const next = await eventually(
      () => store.put(draft("next")),
      () => true,
    );
    assert.equal(next.revision, 4);
  });

  it("survives a connection that breaks between two statements of a read", async (test) => {
    const database = await server.createDatabase();
    const pool = openPool(server.options(database));
    test.after(() => void pool.end());
    pool.once("acquire", (client) => {
      const query = client.query;
      client.query = (async (statement: string) => {
        client.query = query;
        await client.query(statement);
        const ended = new Promise((resolve) => client.once("end", resolve));
        await server.query(
          database,
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'monomesh'",
        );
        await ended;
      }) as typeof query;
    });
    await assert.rejects(readContent(pool), /not queryable/);
    assert.equal((await readContent(pool)).revision, 0, "the next read has a connection of its own");
  });

  it("has one leader; when that ends another leads within 5 s, and writes of the former are refused", async (test) => {
    const database = await server.createDatabase();
    const stores = [await open(test, database), await open(test, database)];
    const leaders = () => Promise.resolve(stores.filter(({ leadership }) => leadership.leads));
    const [first] = await eventually(leaders, (found) => found.length === 1);
    assert.ok(first);
    await sleep(2500);
    assert.deepEqual(await leaders(), [first], "a leader stays");
    const fence = first.leadership.term;
    assert.ok(fence);
    await first.put(draft("by-the-leader"), { fence });
    const started = performance.now();
    // As kill -9 of its process: the server sees the connections end.
    await server.query(
      database,
      `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted`,
    );
    await eventually(leaders, (found) => found.length === 1 && found[0]?.leadership.term?.epoch === fence.epoch + 1);
    test.diagnostic(`another term after ${Math.round(performance.now() - started)} ms`);
    assert.ok(performance.now() - started < 5000);
    await assert.rejects(first.put(draft("late"), { fence }), { code: "MM511" });
  });
});
