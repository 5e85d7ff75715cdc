import { execFile } from "node:child_process";
import { readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { MeshError } from "../../kernel/errors.ts";

export interface EnvoyVersion {
  /** `1.40.0` */
  readonly version: string;
  /** The whole text: revision/version/status/type/ssl. */
  readonly build: string;
}

const TIMEOUT_MS = 10_000;

/** Asks an Envoy executable for its version (50 ms). Rejects with MM601 when it is none or cannot run here. */
export function readEnvoyVersion(binary: string, signal: AbortSignal): Promise<EnvoyVersion> {
  return new Promise((resolve, reject) => {
    execFile(binary, ["--version"], { timeout: TIMEOUT_MS, signal, encoding: "utf8" }, (error, stdout, stderr) => {
      if (signal.aborted) return reject(signal.reason);
      const version = parseVersion(/version:\s*(\S+)/.exec(stdout)?.[1] ?? "");
      if (!error && version) return resolve(version);
      const said = (stderr || stdout || error?.message || "").trim().split("\n")[0] ?? "";
      reject(
        new MeshError("MM601", `${binary} is no Envoy that runs here`, {
          why: said || "It printed no version.",
          cause: error,
        }),
      );
    });
  });
}

/**
 * As `readEnvoyVersion`, but what an executable said is kept in `cache`, a file that only this user can write, until the
 * executable is another file or was written to. A cache that cannot be used costs 50 ms, nothing else.
 */
export async function knownEnvoyVersion(binary: string, cache: string, signal: AbortSignal): Promise<EnvoyVersion> {
  const { dev, ino, size, mtimeMs } = statSync(binary);
  const file = [binary, dev, ino, size, mtimeMs].join(" ");
  const kept = readCache(cache);
  const known = kept?.["file"] === file ? parseVersion(String(kept["build"])) : undefined;
  if (known) return known;
  const version = await readEnvoyVersion(binary, signal);
  try {
    writeFileSync(`${cache}.${process.pid}`, JSON.stringify({ file, build: version.build }), { mode: 0o600 });
    renameSync(`${cache}.${process.pid}`, cache);
  } catch {
    // Asked again at the next start.
  }
  return version;
}

function readCache(cache: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(readFileSync(cache, "utf8")) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function parseVersion(build: string): EnvoyVersion | undefined {
  const parts = build.split("/");
  return parts.length === 5 ? { version: parts[1] ?? "", build } : undefined;
}
