import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, it } from "node:test";
import { loadPluginFile } from "../../../cmd/plugin/load-plugin-file.ts";
import { MeshError } from "../../../core/kernel/errors.ts";
import { EXECUTABLE } from "../../support/executable.ts";

const ROOT = join(import.meta.dirname, "../../..");
const SAMPLES = join(ROOT, "docs/samples");
const dir = mkdtempSync(join(tmpdir(), "plugin-commands-"));
after(() => rmSync(dir, { recursive: true, force: true }));

/** Runs the packaged executable; stores work in memory as far as the system has such a place, since many files are slow. */
function monomesh(...args: string[]): { readonly status: number | null; readonly out: string; readonly err: string } {
  const env = { ...process.env, MONOMESH_GENERAL_WORK_DIR: join(dir, "work"), TMPDIR: memoryDir() };
  const { status, stdout, stderr } = spawnSync(EXECUTABLE, args, { cwd: dir, env, encoding: "utf8" });
  return { status, out: stdout, err: stderr };
}

function memoryDir(): string {
  const place = spawnSync("test", ["-w", "/dev/shm"]).status === 0 ? "/dev/shm" : tmpdir();
  const own = join(place, `plugin-commands-${process.pid}`);
  mkdirSync(own, { recursive: true });
  after(() => rmSync(own, { recursive: true, force: true }));
  return own;
}

function write(name: string, text: string): string {
  const file = join(dir, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

describe("plugin new", () => {
  for (const [kind, extension] of [
    ["store", "mjs"],
    ["store", "mts"],
    ["auth", "mts"],
    ["lifecycle", "mjs"],
    ["policy", "mts"],
  ] as const) {
    it(`writes a ${kind} plugin in .${extension} that passes its tests and its types`, () => {
      const name = `my-${kind}-${extension}`;
      const made = monomesh("plugin", "new", kind, name, ...(extension === "mts" ? ["--typescript"] : []));
      assert.equal(made.status, 0, made.err);
      const files = made.out.trim().split("\n");
      assert.deepEqual(
        [...files].sort(),
        readdirSync(join(dir, name))
          .map((file) => `${name}/${file}`)
          .sort(),
      );
      assert.match(made.err, new RegExp(`monomesh plugin test ${name}/${name}.${extension}\n`));
      const tested = monomesh("plugin", "test", `${name}/${name}.${extension}`, "--quick");
      assert.match(tested.out, /\n\d+ passed, 0 failed\n$/, tested.out + tested.err);
      assert.match(tested.out, /its own cases\n {2}passed /);
      assert.equal(tested.status, 0);
      assert.equal(typeProblems(join(dir, name)), "");
    });
  }

  it("gives types that find mistakes", () => {
    const wrong = `import { definePlugin, options } from "monomesh/plugin";
export default definePlugin({ kind: "store", name: "x", description: "x", options: options({}), create: () => ({ get: 1 }) });\n`;
    writeFileSync(join(dir, "my-store-mts/wrong.mts"), wrong);
    assert.match(
      typeProblems(join(dir, "my-store-mts")),
      /wrong\.mts\(2,.*Type 'number' is not assignable to type '\(key: ResourceKey\)/s,
    );
    rmSync(join(dir, "my-store-mts/wrong.mts"));
  });

  it("overwrites nothing, and refuses names that cannot be", () => {
    const before = readFileSync(join(dir, "my-store-mjs/cp.yaml"), "utf8");
    const again = monomesh("plugin", "new", "store", "my-store-mjs");
    assert.equal(again.status, 1);
    assert.match(again.err, /my-store-mjs\/cp\.yaml.* exists already. Nothing was written.* MM105/s);
    assert.equal(readFileSync(join(dir, "my-store-mjs/cp.yaml"), "utf8"), before);
    for (const [kind, name, text] of [
      ["store", "Bad Name", /cannot be a plugin's name/],
      ["store", "sqlite", /a built-in store plugin is called sqlite/],
      ["stor", "x", /is no kind/],
    ] as const) {
      const refused = monomesh("plugin", "new", kind, name);
      assert.equal(refused.status, 2);
      assert.match(refused.err, text);
    }
  });
});

function typeProblems(project: string): string {
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  const args = [tsc, "-p", project, "--typeRoots", join(ROOT, "node_modules/@types")];
  return spawnSync(process.execPath, args, { encoding: "utf8" }).stdout;
}

describe("plugin test", () => {
  it("passes the store over a directory of YAML files, which docs/plugins.md walks through", () => {
    const sample = join(SAMPLES, "yaml-store/yaml-store.mjs");
    const tested = monomesh("plugin", "test", sample, "--quick", "--options", '{"sync":false}');
    assert.match(tested.out, /\n\d+ passed, 0 failed\n$/, tested.out);
    const lines = readFileSync(sample, "utf8").trimEnd().split("\n").length;
    assert.ok(lines <= 150, `the sample has ${lines} lines; 150 at the most`);
    const synced = monomesh(
      "plugin",
      "test",
      sample,
      "--only",
      "opened again",
      "--options",
      '{"directory":"{workDir}/x"}',
    );
    assert.match(synced.out, /\n1 passed, 0 failed\n$/, synced.out);
  });

  it("reports what fails and where, and exits with 1", () => {
    const file = write(
      "broken.mjs",
      `import { definePlugin, options } from "monomesh/plugin";
export default definePlugin({ kind: "store", name: "broken", description: "x", options: options({}), create: () => ({
  async get() { throw new Error("not written yet"); },
  async revision() { return 0; },
  async close() {},
}) });\n`,
    );
    const tested = monomesh("plugin", "test", file, "--only", "a new store");
    assert.equal(tested.status, 1);
    assert.match(tested.out, /FAILED {3}a new store is empty.*\n +not written yet\n +at .*broken\.mjs:3:/);
    assert.match(tested.out, /\n0 passed, 1 failed\n$/);
  });

  it("says what a file lacks", () => {
    for (const [name, text, expected] of [
      ["none.mjs", "export const x = 1;", /Its default export lacks kind \(one of store.*create\(context, options\)/],
      ["half.mjs", "export default { kind: 'store', name: 'x' };", /lacks description, options \(a schema\), create/],
      ["throws.mjs", "\nthrow new Error('no licence');", /throws\.mjs:2\n +no licence/],
      ["syntax.mjs", "export default {", /syntax\.mjs\n +Unexpected end/],
      ["import.mjs", 'import { nothing } from "monomesh/plugin"; export default nothing;', /nothing/],
    ] as const) {
      const tested = monomesh("plugin", "test", write(name, text));
      assert.equal(tested.status, 1, name);
      assert.match(tested.err, expected);
      assert.match(tested.err, /MM801/);
      assert.match(tested.err, new RegExp(name.replace(".", "\\.")));
    }
    assert.match(monomesh("plugin", "test", "nowhere.mjs").err, /does not exist.*MM801\n.*nowhere\.mjs/);
  });

  it("gives up on a file that waits for ever at its top level", async () => {
    const file = write("waits.mjs", "setInterval(() => {}, 1000).unref(); await new Promise(() => {});");
    await assert.rejects(
      loadPluginFile(file, 50),
      (error) => error instanceof MeshError && error.code === "MM801" && error.where === file,
    );
  });

  it("takes options, and says which are wrong", () => {
    const sample = join(SAMPLES, "yaml-store/yaml-store.mjs");
    const wrong = monomesh("plugin", "test", sample, "--only", "a new store", "--options", '{"sync":"no","dir":1}');
    assert.match(wrong.out, /FAILED.*\n +options of the store plugin "yaml" are not valid/);
    assert.match(monomesh("plugin", "test", sample, "--options", "{").err, /--options is no JSON/);
  });
});

describe("plugin list", () => {
  it("shows what is built in and loaded, by kind, and what is used", () => {
    const { out } = monomesh("plugin", "list", "-c", "my-store-mjs/cp.yaml", "--plugin", "my-auth-mts/my-auth-mts.mts");
    assert.match(out, /^KIND +NAME +USED +FROM +DESCRIPTION\nstore +sqlite +no +built in /);
    assert.match(out, /\nstore +my-store-mjs +yes +\/.*\/my-store-mjs\.mjs +Appends every change/);
    assert.match(out, /\nauth +my-auth-mts +no +\/.*\nlifecycle +direct +yes +built in/s);
    const json = JSON.parse(monomesh("plugin", "list", "-o", "json").out) as { kind: string; name: string }[];
    assert.ok(json.some(({ kind, name }) => kind === "store" && name === "sqlite"));
  });

  it("refuses two plugins of one name, naming both files", () => {
    const copy = write("copy/my-store-mjs.mjs", readFileSync(join(dir, "my-store-mjs/my-store-mjs.mjs"), "utf8"));
    const { err, status } = monomesh("plugin", "list", "-c", "my-store-mjs/cp.yaml", "--plugin", copy);
    assert.equal(status, 1);
    assert.match(err, /two plugins are called store\/my-store-mjs.*\n.*\/my-store-mjs\/.* and .*\/copy\//);
  });

  it("is told by name when a verb or a flag is mistyped", () => {
    assert.match(monomesh("plugin", "tset", "x").err, /Did you mean test\?/);
    assert.match(monomesh("plugin", "list", "--quick").err, /plugin list does not take --quick/);
    assert.match(monomesh("plugin", "new", "store").err, /plugin new needs KIND NAME/);
    assert.match(monomesh("plugni", "list").err, /Did you mean plugin\?/);
  });
});
