import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { createKeyPair, issueCaCertificate } from "../../../core/ca/issue-certificate.ts";
import { systemClock } from "../../../core/kernel/clock.ts";
import { silentLogger } from "../../../core/kernel/log.ts";
import type { PostgresOptions, TlsMode } from "../../../plugins/store-postgres/connection.ts";
import { openPostgresStore } from "../../../plugins/store-postgres/postgres-store.ts";
import { postgresMissing, startPostgres, type TestPostgres } from "../../support/postgres.ts";

const CERT = join(import.meta.dirname, "../../core/sidecar/fixtures/cert.pem");
const KEY = join(import.meta.dirname, "../../core/sidecar/fixtures/key.pem");

describe("TLS to PostgreSQL", { skip: postgresMissing() ?? false }, () => {
  let server: TestPostgres;
  let database: string;
  /** A CA that signed nothing here. */
  let stranger: string;
  before(async () => {
    server = await startPostgres({ fsync: "off", listen_addresses: "127.0.0.1,127.0.0.2" }, { cert: CERT, key: KEY });
    database = await server.createDatabase();
    stranger = join(server.dir, "stranger.pem");
    const subject = { organization: "test", commonName: "stranger" };
    writeFileSync(stranger, issueCaCertificate(createKeyPair(), subject, Date.now()).toString());
  });
  after(() => server.stop());

  const open = async (mode: TlsMode, caPath: string, host = "127.0.0.1") => {
    const tls = { mode, certPath: "", keyPath: "", caPath };
    const postgres: PostgresOptions = { ...server.options(database), host, tls };
    const store = await openPostgresStore({ postgres, clock: systemClock, log: silentLogger });
    const { rows } = await server.query(
      database,
      "SELECT bool_and(ssl) AS ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'monomesh'",
    );
    await store.close();
    return rows[0]?.ssl;
  };

  it("verifyNone encrypts, whoever answers", async () => {
    assert.equal(await open("verifyNone", ""), true);
    assert.equal(await open("disable", ""), false);
  });

  it("verifyCa wants a certificate that the CA signed, under any name", async () => {
    assert.equal(await open("verifyCa", CERT, "127.0.0.2"), true);
    await assert.rejects(open("verifyCa", stranger), { code: "MM503", why: /self-signed certificate/ });
    await assert.rejects(open("verifyCa", ""), { code: "MM503" });
  });

  it("verifyFull wants its name too", async () => {
    assert.equal(await open("verifyFull", CERT), true);
    await assert.rejects(open("verifyFull", CERT, "127.0.0.2"), { code: "MM503", why: /127\.0\.0\.2/ });
  });

  it("names the setting of a file that cannot be read", async () => {
    await assert.rejects(open("verifyCa", "/nonexistent.pem"), { code: "MM105", where: "store.postgres.tls.caPath" });
  });
});
