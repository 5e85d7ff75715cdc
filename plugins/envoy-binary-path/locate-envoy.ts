import { accessSync, constants, realpathSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { MeshError } from "../../core/kernel/errors.ts";
import { executablePath, isPackaged } from "../../core/kernel/runtime.ts";
import type { EnvoyBinary, EnvoyBinaryOptions } from "../../core/sidecar/envoy/envoy-binary.ts";

interface Candidate {
  readonly path: string;
  readonly origin: string;
}

/**
 * What was asked for by name must be there: no other Envoy is taken in its place. Nothing asked for: beside the
 * executable, then the PATH. A bare word such as `envoy` (Kuma's default) is looked up the same way.
 */
export async function locateEnvoy(options: EnvoyBinaryOptions): Promise<EnvoyBinary> {
  const asked = options.binaryPath
    ? { word: options.binaryPath, origin: "--binary-path" }
    : options.env["ENVOY_BINARY"]
      ? { word: options.env["ENVOY_BINARY"], origin: "ENVOY_BINARY" }
      : undefined;
  const candidates = asked?.word.includes("/")
    ? [{ path: resolve(asked.word), origin: asked.origin }]
    : [...besideExecutable(asked?.word ?? "envoy"), ...onPath(asked?.word ?? "envoy", options.env["PATH"] ?? "")];
  const found = candidates.find((each) => isExecutable(each.path));
  if (found) return found;
  throw new MeshError("MM600", asked ? `${asked.origin} names no Envoy: ${asked.word}` : "no Envoy was found", {
    where: `looked for ${candidates.map((each) => each.path).join(", ") || "nothing: the PATH is empty"}`,
    todo: "Put envoy beside monomesh, or name it with --binary-path or ENVOY_BINARY.",
  });
}

function besideExecutable(word: string): Candidate[] {
  const beside = join(dirname(realpathSync(executablePath())), word);
  // From source the executable is Node; the build has put its Envoy here.
  const built = join(import.meta.dirname, "../../.build/envoy", word);
  return [{ path: isPackaged() ? beside : built, origin: "beside monomesh" }];
}

function onPath(word: string, path: string): Candidate[] {
  return path
    .split(":")
    .filter(Boolean)
    .map((directory) => ({ path: join(directory, word), origin: "PATH" }));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
