import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";

interface Manifest {
  readonly version?: string;
  readonly integrity?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const read = (file: string) => JSON.parse(readFileSync(join(import.meta.dirname, "../..", file), "utf8"));
const manifest = read("package.json") as Manifest;
const { packages } = read("package-lock.json") as { packages: Readonly<Record<string, Manifest>> };
const root = packages[""] ?? {};

/** Where Node finds package `name` from the package at `place`: there, or in a folder above. */
function findFrom(place: string, name: string): Manifest | undefined {
  for (let at = place; ; at = at.slice(0, Math.max(0, at.lastIndexOf("/node_modules/")))) {
    const found = packages[`${at === "" ? "" : `${at}/`}node_modules/${name}`];
    if (found || at === "") return found;
  }
}

// `npm ci` refuses a lock that is out of step; whoever wrote it has everything installed and would not notice.
describe("the lock file", () => {
  for (const kind of ["dependencies", "devDependencies", "optionalDependencies"] as const) {
    it(`has the ${kind} of package.json, each of one exact version`, () => {
      assert.deepEqual(root[kind], manifest[kind]);
      for (const [name, version] of Object.entries(manifest[kind] ?? {})) {
        assert.match(version, /^\d+\.\d+\.\d+(-[\w.]+)?$/, name);
        assert.equal(findFrom("", name)?.version, version, name);
      }
    });
  }

  it("has all that its packages ask for, those of other systems included", () => {
    const missing = Object.entries(packages).flatMap(([place, each]) =>
      Object.keys({ ...each.dependencies, ...each.optionalDependencies })
        .filter((name) => !findFrom(place, name))
        .map((name) => `${place} needs ${name}`),
    );
    assert.deepEqual(missing, []);
  });

  it("has a checksum for everything", () => {
    const without = Object.entries(packages).filter(([place, each]) => place !== "" && !each.integrity);
    assert.deepEqual(without, []);
  });
});

describe("docs/dependencies.md", () => {
  it("names each package with its version, and no other", () => {
    const text = readFileSync(join(import.meta.dirname, "../../docs/dependencies.md"), "utf8");
    const told = new Map<string, string>();
    for (const [, names = "", versions = ""] of text.matchAll(/^\| (`.*?) \| (\d.*?) \|/gm)) {
      const each = versions.split(", ");
      names.split(", ").forEach((name, at) => {
        told.set(name.replaceAll("`", ""), each[at] ?? each[0] ?? "");
      });
    }
    const { dependencies, devDependencies, optionalDependencies } = manifest;
    assert.deepEqual(Object.fromEntries(told), { ...dependencies, ...devDependencies, ...optionalDependencies });
  });
});
