import assert from "node:assert/strict";
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { defineCases } from "monomesh/plugin";

/** What the contract of all stores does not ask of this one. `monomesh plugin test` runs both; each case gets a new store. */
export default defineCases("store", [
  {
    name: "a line that a crash cut off is forgotten, and writing goes on",
    async run({ store, reopen, workDir }) {
      const draft = { type: "Dataplane", mesh: "default", name: "web-1", labels: {}, spec: {} };
      await store.put(draft);
      appendFileSync(join(workDir, "NAME.jsonl"), '{"revision":2,"puts":[{"reso');
      const again = await reopen();
      assert.equal(await again.revision(), 1);
      assert.equal((await again.put(draft)).revision, 2);
      assert.equal(await (await reopen()).revision(), 2);
    },
  },
]);
