import { execFile } from "node:child_process";
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
      const build = /version:\s*(\S+)/.exec(stdout)?.[1] ?? "";
      const parts = build.split("/");
      if (!error && parts.length === 5) return resolve({ version: parts[1] ?? "", build });
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
