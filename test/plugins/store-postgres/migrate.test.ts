import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { systemClock } from "../../../core/kernel/clock.ts";
import { silentLogger } from "../../../core/kernel/log.ts";
import { applyMigrations } from "../../../plugins/store-postgres/migrate.ts";
import { openPostgresStore } from "../../../plugins/store-postgres/postgres-store.ts";
import { MIGRATIONS } from "../../../plugins/store-postgres/schema.ts";
import { postgresMissing, startPostgres, type TestPostgres } from "../../support/postgres.ts";

describe("the database of the PostgreSQL store", { skip: postgresMissing() ?? false }, () => {
  let server: TestPostgres;
  before(async () => {
    server = await startPostgres({ fsync: "off" });
  });
  after(() => server.stop());

  const open = (database: string, tolerateNewerSchema = false) =>
    openPostgresStore({
      postgres: server.options(database),
      clock: systemClock,
      log: silentLogger,
      tolerateNewerSchema,
    });

  it("is refused before it is migrated, with the command; afterwards it is served", async () => {
    const database = await server.createDatabase(false);
    await assert.rejects(open(database), { code: "MM502", todo: /cp migrate up/ });
    assert.deepEqual(await applyMigrations(server.options(database)), { from: 0, to: MIGRATIONS.length });
    assert.deepEqual(await applyMigrations(server.options(database)), {
      from: MIGRATIONS.length,
      to: MIGRATIONS.length,
    });
    const store = await open(database);
    assert.equal(await store.revision(), 0);
    await store.close();
  });

  it("is migrated once by several who try at the same time", async () => {
    const database = await server.createDatabase(false);
    const done = await Promise.all(Array.from({ length: 4 }, () => applyMigrations(server.options(database))));
    assert.deepEqual(done.map(({ from }) => from).sort(), [0, MIGRATIONS.length, MIGRATIONS.length, MIGRATIONS.length]);
  });

  it("keeps everything over a migration, and nothing of one that fails", async () => {
    const database = await server.createDatabase();
    const store = await open(database);
    await store.put({ type: "Mesh", mesh: "", name: "default", labels: {}, spec: {} });
    await store.close();
    const broken = [...MIGRATIONS, "CREATE TABLE monomesh_later (a int)", "CREATE NONSENSE"];
    await assert.rejects(applyMigrations(server.options(database), broken), { code: "MM500" });
    const { rows } = await server.query(database, "SELECT to_regclass('monomesh_later') AS later");
    assert.equal(rows[0].later, null);
    assert.equal((await applyMigrations(server.options(database), broken.slice(0, -1))).to, MIGRATIONS.length + 1);
    const { rows: kept } = await server.query(database, "SELECT name FROM monomesh_resources");
    assert.deepEqual(kept, [{ name: "default" }]);
  });

  it("of a newer version is refused, unless the user knows better", async () => {
    const database = await server.createDatabase();
    await server.query(database, `UPDATE monomesh_schema SET version = ${MIGRATIONS.length + 1}`);
    await assert.rejects(open(database), { code: "MM500", message: /newer version/, todo: /tolerateNewerDBVersions/ });
    await assert.rejects(applyMigrations(server.options(database)), { code: "MM500" });
    await (await open(database, true)).close();
  });

  it("of a Kuma control plane is refused, and left as it is", async () => {
    const database = await server.createDatabase(false);
    await server.query(database, "CREATE TABLE resources (name text); CREATE TABLE schema_migrations (version int)");
    await assert.rejects(open(database), { code: "MM500", message: /Kuma/ });
    await assert.rejects(applyMigrations(server.options(database)), { code: "MM500", message: /Kuma/ });
    const { rows } = await server.query(database, "SELECT to_regclass('monomesh_schema') AS ours");
    assert.equal(rows[0].ours, null);
  });

  it("that is not there, or cannot be reached, is MM503 with what to do", async () => {
    await assert.rejects(open("nosuch"), { code: "MM503", message: /does not exist/, todo: /createdb/ });
    const closed = { ...server.options("postgres"), port: 1 };
    const opening = openPostgresStore({ postgres: closed, clock: systemClock, log: silentLogger });
    await assert.rejects(opening, { code: "MM503", where: "127.0.0.1:1/postgres", message: /cannot be reached/ });
  });
});
