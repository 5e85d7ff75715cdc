import { open } from "node:fs/promises";
import { resolve } from "node:path";
import { definePlugin, keyText, MeshError, openPersistedStore, options, z } from "monomesh/plugin";

/**
 * NAME: appends each commit to one file as a line of JSON, and reads the file when it starts. The rules of a store (versions,
 * owners, watches, lists, …) are openPersistedStore's; what is written here is how it survives. Nothing keeps a second
 * process from the file.
 */
export default definePlugin({
  kind: "store",
  name: "NAME",
  description: "Appends every change to a file of JSON lines.",
  durable: true,
  options: options({
    /** The file, as seen from the work directory. */
    file: z._default(z.string().check(z.minLength(1)), "NAME.jsonl"),
  }),
  async create({ clock, workDir }, { file }) {
    const path = resolve(workDir, file);
    // Only for its user: a store holds private keys.
    const journal = await open(path, "a+", 0o600);
    let size = 0;
    return openPersistedStore({
      clock,
      persistence: {
        async load() {
          const text = await journal.readFile("utf8");
          // A line without its end was cut off by a crash before anybody was told of it.
          const whole = text.slice(0, text.lastIndexOf("\n") + 1);
          size = Buffer.byteLength(whole);
          await journal.truncate(size);
          const records = new Map();
          const epochs = new Map();
          let revision = 0;
          for (const line of whole.split("\n").slice(0, -1)) {
            const commit = JSON.parse(line);
            for (const key of commit.deletes) records.delete(keyText(key));
            for (const put of commit.puts) records.set(keyText(put.resource), put);
            for (const epoch of commit.epochs) epochs.set(keyText(epoch.key), epoch);
            revision = commit.revision;
          }
          return { revision, records: records.values(), epochs: epochs.values() };
        },
        async commit(commit) {
          const line = `${JSON.stringify(commit)}\n`;
          try {
            await journal.appendFile(line);
            await journal.datasync();
            size += Buffer.byteLength(line);
          } catch (cause) {
            // All or nothing: half a line must not stay before the next one.
            await journal.truncate(size);
            throw new MeshError("MM503", "the journal of the store cannot be written", { where: path, cause });
          }
        },
        close: () => journal.close(),
      },
    });
  },
});
