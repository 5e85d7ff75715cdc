import { after, before, it } from "node:test";
import { openPostgresStore } from "../../../plugins/store-postgres/postgres-store.ts";
import { postgresMissing, startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { storeContract } from "./store-contract.ts";

const missing = postgresMissing();
if (missing) it("store contract: postgres", { skip: missing });
else {
  let server: TestPostgres;
  // What a disk does is PostgreSQL's business.
  before(async () => {
    server = await startPostgres({ fsync: "off" });
  });
  after(() => server.stop());
  /** One database for each work directory, so that a second opening finds what the first one wrote. */
  const databases = new Map<string, Promise<string>>();
  storeContract(
    "postgres",
    async ({ workDir, clock, log, retainedChanges }) => {
      const database = databases.get(workDir) ?? server.createDatabase();
      databases.set(workDir, database);
      return openPostgresStore({ postgres: server.options(await database), clock, log, retainedChanges });
    },
    { durable: true, compacts: true },
  );
}
