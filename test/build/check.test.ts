import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { CHECKS } from "../../cmd/build/check.ts";
import { checkTree, importsOf } from "../../cmd/build/rooms.ts";

describe("the source tree", () => {
  for (const [name, check] of Object.entries(CHECKS)) {
    it(`is good: ${name}`, () => {
      const problems = check();
      // Not assert.equal: its comparison would bury the text.
      assert.ok(problems === "", `\n${problems}`);
    });
  }
});

describe("the import rule", () => {
  it("sees every kind of import", () => {
    const text = `import a from "./a.ts";\nimport type { B } from './b.ts';\nexport { c } from "./c.ts";\nconst d = await import("./d.ts");\nimport "./e.ts";\nimport {\n  f,\n} from "./f.ts";`;
    assert.deepEqual(importsOf(text), ["./a.ts", "./b.ts", "./c.ts", "./d.ts", "./e.ts", "./f.ts"]);
  });

  it("lets a room import from itself and from rooms above it", () => {
    const files = {
      "core/store/port.ts": 'import "../kernel/scope.ts"; import "./value.ts";',
      "plugins/builtins.ts": 'import "./store-one/plugin.ts"; import "./store-two/plugin.ts";',
      "plugins/store-one/plugin.ts": 'import "../../core/store/port.ts"; import "./reader.ts";',
      "cmd/run.ts": 'import "../plugins/builtins.ts"; import "node:fs"; import "pino";',
    };
    assert.deepEqual(problemsOf(files), []);
  });

  const wrong: readonly (readonly [string, string, string, RegExp])[] = [
    ["a room that imports from below", "core/store/port.ts", 'import "../view/view.ts";', /core\/view\/view.ts.*below/],
    ["core that imports a plugin", "core/dp-server/x.ts", 'import "../../plugins/a/b.ts";', /below core\/dp-server/],
    ["a file of no room", "core/stray.ts", "", /lies in no room/],
    ["an import of what is in no room", "cmd/x.ts", 'import "../test/y.ts";', /imports test\/y.ts/],
    ["the sidecar that loads the engine", "core/sidecar/x.ts", 'import "../push/y.ts";', /must not load core\/push/],
    ["a plugin that imports another", "plugins/a/x.ts", 'import "../b/y.ts";', /do not import each other/],
    ["a file that is too long", "core/kernel/x.ts", "//\n".repeat(501), /501 lines; 500/],
  ];
  for (const [what, file, text, expected] of wrong) {
    it(`reports ${what}`, () => {
      const problems = problemsOf({ [file]: text });
      assert.equal(problems.length, 1, problems.join("\n"));
      assert.match(problems[0] ?? "", expected);
    });
  }

  it("only notes a file of more than 300 lines", () => {
    const { problems, warnings } = report({ "core/kernel/x.ts": "//\n".repeat(500) });
    assert.deepEqual(problems, []);
    assert.match(warnings.join(), /500 lines/);
  });
});

function problemsOf(files: Readonly<Record<string, string>>): readonly string[] {
  return report(files).problems;
}

/** What the check says of a tree with these files. */
function report(files: Readonly<Record<string, string>>): ReturnType<typeof checkTree> {
  const root = mkdtempSync(join(tmpdir(), "monomesh-rooms-"));
  try {
    for (const top of ["core", "plugins", "cmd", "test"]) mkdirSync(join(root, top));
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, file)), { recursive: true });
      writeFileSync(join(root, file), text);
    }
    return checkTree(root);
  } finally {
    rmSync(root, { recursive: true });
  }
}
