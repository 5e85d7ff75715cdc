import { createHash } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { definePlugin, keyText, MeshError, openPersistedStore, options, parseYaml, printYaml, z } from "monomesh/plugin";

/** A store that keeps each resource in a YAML file: DIRECTORY/Dataplane/web-1@default.yaml. For one control plane. */
export default definePlugin({
  kind: "store",
  name: "yaml",
  description: "Keeps each resource in a YAML file of its own.",
  durable: true,
  options: options({
    /** As seen from the work directory. */
    directory: z._default(z.string().check(z.minLength(1)), "resources"),
    /** Whether a commit survives the end of the machine, and not only that of the process. It then waits for the disk. */
    sync: z._default(z.boolean(), true),
  }),
  async create({ clock, workDir }, { directory, sync }) {
    const dir = resolve(workDir, directory);
    // Only for its user: a store holds private keys.
    await mkdir(dir, { recursive: true, mode: 0o700 });
    return openPersistedStore({ clock, persistence: new YamlDirectory(dir, sync) });
  },
});

/**
 * A commit is first written whole to `commit.yaml`: from then on it counts. Then it goes into the files of its resources, now
 * or, if that is interrupted, before anything else.
 * @implements {import("monomesh/plugin").StorePersistence}
 */
export class YamlDirectory {
  #dir;
  #sync;
  #epochs = new Map();
  /** Written to `commit.yaml` and not yet, or only in part, to the files. @type {any} */
  #unfinished;

  constructor(dir = "", sync = true) {
    this.#dir = dir;
    this.#sync = sync;
  }

  async load() {
    const state = (await this.#read("store.yaml")) ?? { revision: 0, epochs: [] };
    for (const epoch of state.epochs) this.#epochs.set(keyText(epoch.key), epoch);
    this.#unfinished = await this.#read("commit.yaml");
    const revision = this.#unfinished?.revision ?? state.revision;
    await this.#finish();
    const files = [];
    for (const entry of await readdir(this.#dir, { withFileTypes: true, recursive: true })) {
      if (entry.parentPath !== this.#dir && entry.name.endsWith(".yaml")) files.push(join(entry.parentPath, entry.name));
    }
    const records = await inTurns(files, async (file) => recordOf(file, await this.#read(file)));
    return { revision, records, epochs: this.#epochs.values() };
  }

  /** @param {import("monomesh/plugin").StoreCommit} commit */
  async commit(commit) {
    // One that could not be finished has the place of the next: that one is refused until the disk works again.
    await this.#finish();
    await this.#write("commit.yaml", commit);
    this.#unfinished = commit;
    await this.#finish().catch(() => undefined);
  }

  async #finish() {
    const commit = this.#unfinished;
    if (!commit) return;
    for (const epoch of commit.epochs) this.#epochs.set(keyText(epoch.key), epoch);
    await inTurns(commit.deletes, async (key) => rm(join(this.#dir, fileOf(key)), { force: true }));
    for (const { resource } of commit.puts) await mkdir(join(this.#dir, safe(resource.type)), { recursive: true });
    await inTurns(commit.puts, async (record) => this.#write(fileOf(record.resource), documentOf(record)));
    await this.#write("store.yaml", { revision: commit.revision, epochs: [...this.#epochs.values()] });
    await rm(join(this.#dir, "commit.yaml"), { force: true });
    this.#unfinished = undefined;
  }

  /** The whole file or what was there before, whenever it is interrupted. */
  async #write(name = "", value = {}) {
    const path = join(this.#dir, name);
    try {
      const file = await open(`${path}.new`, "w", 0o600);
      try {
        await file.writeFile(printYaml(value));
        if (this.#sync) await file.datasync();
      } finally {
        await file.close();
      }
      await rename(`${path}.new`, path);
      if (this.#sync) await syncDirectory(resolve(path, ".."));
    } catch (cause) {
      throw new MeshError("MM503", "a file of the store cannot be written", { where: path, why: String(cause), cause });
    }
  }

  /** @returns {Promise<any>} */
  async #read(name = "") {
    const path = resolve(this.#dir, name);
    try {
      return parseYaml(await readFile(path, "utf8"));
    } catch (cause) {
      if (/** @type {any} */ (cause).code === "ENOENT") return undefined;
      throw new MeshError("MM500", "a file of the store cannot be read", { where: path, why: String(cause), cause });
    }
  }
}

/** What a person wants to read first, then what the store needs. */
const documentOf = (/** @type {import("monomesh/plugin").StoredRecord} */ { resource, owner }) => {
  const { type, mesh, name, labels, spec, ...stored } = resource;
  return { type, mesh, name, labels, spec, stored: { ...stored, ...(owner && { owner }) } };
};

const recordOf = (file = "", /** @type {any} */ document) => {
  const { stored, ...draft } = document ?? {};
  if (typeof stored !== "object") throw new MeshError("MM500", "a file of the store is no resource", { where: file });
  const { owner, ...rest } = stored;
  return { resource: { ...draft, ...rest }, owner };
};

const fileOf = (/** @type {import("monomesh/plugin").ResourceKey} */ { type, mesh, name }) =>
  join(safe(type), `${safe(name)}@${safe(mesh)}.yaml`);

/** A name as part of a file's name: readable if it is simple and short, and always another one for another name. */
function safe(name = "") {
  const text = encodeURIComponent(name);
  if (text.length <= 80) return text;
  return `${text.slice(0, 40)}%${createHash("sha256").update(name).digest("hex").slice(0, 32)}`;
}

async function syncDirectory(path = "") {
  const directory = await open(path, "r");
  await directory.sync().finally(() => directory.close());
}

/**
 * Works on 32 items at a time: each keeps a file open.
 * @template T, R
 * @param {readonly T[]} items
 * @param {(item: T) => Promise<R>} work
 */
async function inTurns(items, work) {
  const results = [];
  for (let start = 0; start < items.length; start += 32) {
    results.push(...(await Promise.all(items.slice(start, start + 32).map(work))));
  }
  return results;
}
