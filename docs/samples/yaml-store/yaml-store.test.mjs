import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { defineCases } from "monomesh/plugin";

const draft = { type: "Dataplane", mesh: "default", name: "web-1", labels: {}, spec: { port: 80 } };

export default defineCases("store", [
  {
    name: "a resource is a file that people can read, and edit while the control plane is stopped",
    async run({ store, reopen, workDir }) {
      await store.put(draft);
      await store.close();
      const file = join(workDir, "resources/Dataplane/web-1@default.yaml");
      const text = readFileSync(file, "utf8");
      assert.match(text, /^type: Dataplane\nmesh: default\nname: web-1\nlabels: \{\}\nspec:\n {2}port: 80\n/);
      writeFileSync(file, text.replace("port: 80", "port: 81"));
      assert.deepEqual((await (await reopen()).get(draft))?.spec, { port: 81 });
    },
  },
  {
    name: "a commit that was interrupted after it counted is finished at the next start",
    async run({ store, reopen, workDir }) {
      const stored = await store.put(draft);
      const commit = { revision: 2, puts: [{ resource: { ...stored, name: "web-2", revision: 2 } }], deletes: [draft], epochs: [] };
      await store.close();
      writeFileSync(join(workDir, "resources/commit.yaml"), JSON.stringify(commit));
      const again = await reopen();
      assert.deepEqual((await again.list("Dataplane")).items.map((item) => item.name), ["web-2"]);
      assert.equal(await again.revision(), 2);
    },
  },
  {
    name: "while the directory cannot be written writes are refused, and then they go on",
    async run({ store, reopen, workDir }) {
      await store.put(draft);
      // In the way of the file that a commit is written to first.
      const inTheWay = join(workDir, "resources/commit.yaml.new");
      mkdirSync(inTheWay);
      await assert.rejects(store.put(draft), { code: "MM503" });
      assert.equal((await store.get(draft))?.version, 1);
      rmSync(inTheWay, { recursive: true });
      assert.equal((await store.put(draft)).version, 2);
      assert.equal((await (await reopen()).get(draft))?.version, 2);
    },
  },
  {
    name: "a file that is no YAML any more is named",
    async run({ store, reopen, workDir }) {
      await store.put(draft);
      await store.close();
      const file = join(workDir, "resources/Dataplane/web-1@default.yaml");
      writeFileSync(file, "type: [");
      await assert.rejects(reopen(), { code: "MM500", where: file });
      writeFileSync(file, "just a text");
      await assert.rejects(reopen(), { code: "MM500", where: file });
    },
  },
]);
