import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { ADDON, ask, buildProbe } from "./probe/probe-programs.ts";

const ROOT = join(import.meta.dirname, "../..");
const dir = mkdtempSync(join(tmpdir(), "monomesh-runtime-"));
const cache = join(dir, "cache");
const executable = join(dir, "monomesh");

const env = { MONOMESH_CACHE_DIR: cache };

const programs = {
  "from source": (args: readonly string[]) =>
    ask(
      process.execPath,
      ["--disable-warning=ExperimentalWarning", join(ROOT, "test/build/probe/main.ts"), ...args],
      env,
    ),
  packaged: (args: readonly string[]) => ask(executable, args, env),
};

before(() => buildProbe(dir));
after(() => rmSync(dir, { recursive: true, force: true }));

for (const [how, run] of Object.entries(programs)) {
  describe(`the runtime ${how}`, () => {
    const packaged = how === "packaged";

    it("knows what it is", async () => {
      const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
      const { answer, stderr } = await run(["name", "--x=y z"]);
      assert.deepEqual(answer, { calledAs: "monomesh", packaged, version, word: "--x=y z" });
      assert.equal(stderr, "");
    });

    it("runs a worker thread", async () => {
      assert.deepEqual(await run(["worker", "hello"]), { answer: "hello, said the worker", stderr: "" });
    });

    it("imports a CommonJS package when it is needed", async () => {
      const { answer, stderr } = await run(["commonjs", "b: [x, 2]"]);
      assert.deepEqual(answer, { parsed: { b: ["x", 2] }, same: true, text: "a:\n  - 1\n" });
      assert.equal(stderr, "");
    });

    it("loads the addon", async () => {
      const { answer, stderr } = await run(["addon", ADDON]);
      assert.ok((answer as string[]).includes("Database"), String(answer));
      assert.equal(stderr, "");
    });

    for (const [name, source] of Object.entries(userFiles())) {
      it(`imports a user's ${name}`, async () => {
        const file = join(dir, how.replace(" ", "-"), name);
        mkdirSync(join(file, ".."), { recursive: true });
        writeFileSync(file, source);
        writeFileSync(join(file, "../helper.mjs"), 'export const helper = "from its own file";\n');
        const { answer, stderr } = await run(["plugin", file]);
        assert.deepEqual(answer, { name: "mine", helper: "from its own file", seenByHost: true });
        assert.equal(stderr, "");
      });
    }
  });
}

function userFiles(): Record<string, string> {
  const body = 'import { definePlugin } from "monomesh/plugin";\nimport { helper } from "./helper.mjs";\n';
  return {
    "plugin.mjs": `${body}await Promise.resolve();\nexport default definePlugin({ name: "mine", helper });\n`,
    "plugin.mts": `${body}const name: string = "mine";\nexport default definePlugin({ name, helper } as object);\n`,
    "plugin.ts": `${body}interface Named { name: string }\nexport default definePlugin({ name: "mine", helper } satisfies Named);\n`,
    "plugin.cjs":
      'const { definePlugin } = require("monomesh/plugin");\nconst { helper } = require("./helper.mjs");\nmodule.exports = definePlugin({ name: "mine", helper });\n',
  };
}

describe("the packaged program", () => {
  it("tells the name it was called by, and calls itself again", async () => {
    const link = join(dir, "kuma-dp");
    assert.equal(((await ask(link, ["name", ""], env)).answer as { calledAs: string }).calledAs, "kuma-dp");
    const self = (await ask(link, ["self", "again"], env)).answer as { file: string; args: string[] };
    assert.equal(self.file, executable);
    assert.equal(((await ask(self.file, self.args, env)).answer as { word: string }).word, "again");
  });

  it("does not listen to NODE_OPTIONS", async () => {
    const { answer } = await ask(executable, ["name", "x"], { ...env, NODE_OPTIONS: "--no-such-option" });
    assert.equal((answer as { word: string }).word, "x");
  });

  it("executes only what it unpacked itself", async () => {
    const place = join(cache, `monomesh-${process.getuid?.()}`);
    const [file = ""] = readdirSync(place);
    assert.equal(statSync(place).mode & 0o777, 0o700);
    const good = readFileSync(join(place, file));
    writeFileSync(join(place, file), "something else");
    await programs.packaged(["addon", ""]);
    assert.deepEqual(readFileSync(join(place, file)), good);
    assert.deepEqual(readdirSync(place), [file]);
    chmodSync(place, 0o777);
    await assert.rejects(programs.packaged(["addon", ""]), /can be written by other users.*MONOMESH_CACHE_DIR/);
  });

  it("needs neither a home nor an entry in /etc/passwd", async (test) => {
    if (process.getuid?.() !== 0) return test.skip("needs root");
    chmodSync(dir, 0o755);
    const { answer } = await ask("setpriv", [
      "--reuid=54321",
      "--regid=54321",
      "--clear-groups",
      executable,
      "addon",
      "",
    ]);
    rmSync("/var/tmp/monomesh-54321", { recursive: true });
    assert.ok((answer as string[]).includes("Database"));
  });

  it("is the same to the byte when built again elsewhere", async () => {
    const again = mkdtempSync(join(tmpdir(), "monomesh-runtime-again-"));
    try {
      const digest = (file: string) => createHash("sha256").update(readFileSync(file)).digest("hex");
      assert.equal(digest(await buildProbe(again)), digest(executable));
    } finally {
      rmSync(again, { recursive: true });
    }
  });
});
