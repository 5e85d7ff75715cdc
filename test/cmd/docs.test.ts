import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { SETTING_LIST } from "../../cmd/cp/settings-table.ts";

const ROOT = join(import.meta.dirname, "../..");
const pages = [
  "README.md",
  ...readdirSync(join(ROOT, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

describe("docs", () => {
  it("name every setting of the control plane", () => {
    const page = readFileSync(join(ROOT, "docs/configuration.md"), "utf8");
    for (const { path } of SETTING_LIST) assert.ok(page.includes(`\`${path}\``), `docs/configuration.md lacks ${path}`);
  });

  for (const page of pages) {
    it(`${page} links to files that exist`, () => {
      const text = readFileSync(join(ROOT, page), "utf8");
      for (const [, target = ""] of text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
        if (/^[a-z]+:/.test(target)) continue;
        assert.ok(existsSync(join(ROOT, dirname(page), target)), `${page} links to ${target}`);
      }
    });
  }

  it("name tests that exist, where the page is followed sentence by sentence", () => {
    const text = readFileSync(join(ROOT, "docs/page.md"), "utf8");
    for (const [, path = ""] of text.matchAll(/`(test\/[\w./-]+)`/g))
      assert.ok(existsSync(join(ROOT, path)), `docs/page.md names ${path}`);
  });
});
