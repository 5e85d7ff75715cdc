import assert from "node:assert/strict";
import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { freePorts } from "../../cmd/demo/free-ports.ts";
import { highestVersion, neededVersions } from "../support/elf.ts";
import { DIST, EXECUTABLE } from "../support/executable.ts";

const ROOT = join(import.meta.dirname, "../..");
const LIMIT_BYTES = 120e6;
const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };

const run = async (file: string, ...args: string[]) => {
  const { stdout, stderr } = await promisify(execFile)(file, args, { env: {}, timeout: 20_000 });
  return `${stdout}${stderr}`.trim();
};

describe("what ./build.sh leaves in dist", () => {
  it("is the executable, its other names, and Envoy beside it", async () => {
    for (const name of ["kuma-cp", "kuma-dp", "kumactl"]) {
      assert.ok(lstatSync(join(DIST, name)).isSymbolicLink());
      assert.equal(readlinkSync(join(DIST, name)), "monomesh");
    }
    assert.match(await run(join(DIST, "envoy"), "--version"), /\/1\.40\.0\//);
  });

  it("is small", (test) => {
    const { size } = statSync(EXECUTABLE);
    test.diagnostic(
      `monomesh ${(size / 1e6).toFixed(1)} MB, envoy ${(statSync(join(DIST, "envoy")).size / 1e6).toFixed(1)} MB`,
    );
    assert.ok(size <= LIMIT_BYTES, `${size} bytes`);
  });

  it("runs in an empty environment", async () => {
    assert.equal(await run(EXECUTABLE, "--version"), `monomesh ${version}`);
  });

  it("answers to its other names", async () => {
    assert.match(await run(join(DIST, "kuma-dp"), "version"), new RegExp(version));
    assert.match(await run(join(DIST, "kuma-cp"), "run", "--help"), /control plane/i);
    assert.match(await run(join(DIST, "kuma-dp"), "run", "--help"), /kuma-dp run/);
    assert.match(await run(join(DIST, "kumactl"), "--help"), /kumactl/);
  });

  it("runs where there is nothing but the C libraries", async (test) => {
    if (process.getuid?.() !== 0) return test.skip("needs root for chroot");
    const cell = mkdtempSync(join(tmpdir(), "monomesh-chroot-"));
    try {
      const libraries = librariesOf(EXECUTABLE);
      for (const library of libraries) {
        mkdirSync(join(cell, dirname(library)), { recursive: true });
        copyFileSync(library, join(cell, library));
      }
      copyFileSync(EXECUTABLE, join(cell, "monomesh"));
      test.diagnostic(`with ${libraries.map((library) => basename(library)).join(", ")}`);
      assert.equal(await run("/usr/sbin/chroot", cell, "/monomesh", "--version"), `monomesh ${version}`);
      assert.equal(await firstEvent("/usr/sbin/chroot", cell, "/monomesh", "cp", "run"), "ready");
    } finally {
      rmSync(cell, { recursive: true });
    }
  });
});

describe("the C library that each shipped file needs", () => {
  const files: Readonly<Record<string, { readonly path: string; readonly glibc: string }>> = {
    monomesh: { path: EXECUTABLE, glibc: "2.28" },
    envoy: { path: join(DIST, "envoy"), glibc: "2.30" },
    // Where it is older, node:sqlite serves the same store.
    "better-sqlite3's addon, inside monomesh": {
      path: join(ROOT, `node_modules/better-sqlite3/prebuilds/linux-${process.arch}.node`),
      glibc: "2.34",
    },
  };
  for (const [name, { path, glibc }] of Object.entries(files)) {
    it(`is known for ${name}`, (test) => {
      const versions = neededVersions(readFileSync(path));
      const highest = highestVersion(versions, "GLIBC");
      const cxx = highestVersion(versions, "GLIBCXX");
      test.diagnostic(`${name}: glibc ${highest}${cxx ? `, libstdc++ GLIBCXX_${cxx}` : ""}`);
      assert.equal(highest, glibc);
    });
  }
});

/** Runs a control plane on free ports until its first event, then stops it. */
async function firstEvent(file: string, ...args: string[]): Promise<string> {
  const [api, dp, diagnostics] = await freePorts(3);
  const env = {
    MONOMESH_API_SERVER_HTTP_PORT: String(api),
    MONOMESH_DP_SERVER_PORT: String(dp),
    MONOMESH_DIAGNOSTICS_SERVER_PORT: String(diagnostics),
  };
  const child = spawn(file, args, { env, stdio: ["ignore", "ignore", "pipe"] });
  const ended = once(child, "exit");
  try {
    const [line] = await once(createInterface(child.stderr), "line", { signal: AbortSignal.timeout(20_000) });
    return (JSON.parse(String(line)) as { event: string }).event;
  } finally {
    child.kill("SIGTERM");
    await ended;
  }
}

/** The shared libraries that the dynamic linker would load, and the linker itself. */
function librariesOf(file: string): string[] {
  const list = execFileSync("ldd", [file], { encoding: "utf8" });
  return [...list.matchAll(/(\/\S+) \(0x/g)].map((match) => match[1] ?? "");
}
