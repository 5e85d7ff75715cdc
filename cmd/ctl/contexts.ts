import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { MeshError } from "../../core/kernel/errors.ts";
import { homeDir } from "../../core/kernel/home-dir.ts";

/** How to reach one control plane's REST server. */
export interface ControlPlaneCoordinates {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly caPem?: string | undefined;
  readonly skipVerify?: boolean | undefined;
}

interface ApiServer {
  url: string;
  caCertFile?: string;
  headers?: { key: string; value: string }[];
  authType?: string;
  authConf?: Record<string, string>;
  skipVerify?: boolean;
}

/** The file's shape is kumactl's (contract, section 7.7), so that either program's file can be read. */
export interface ContextsFile {
  controlPlanes: { name: string; coordinates: { apiServer: ApiServer } }[];
  contexts: { name: string; controlPlane: string; defaults?: { mesh?: string } }[];
  currentContext: string;
}

export const LOCAL: ContextsFile = {
  controlPlanes: [{ name: "local", coordinates: { apiServer: { url: "http://localhost:5681" } } }],
  contexts: [{ name: "local", controlPlane: "local" }],
  currentContext: "local",
};

/** Where contexts are read from and written to. kumactl's own file is read, never written, except under its name. */
export function contextFiles(
  calledAs: string,
  chosen: string | undefined,
  home: string = homeDir(),
): { read: string[]; write: string } {
  if (chosen) return { read: [chosen], write: chosen };
  const ours = join(home, ".monomesh", "config");
  const kumactls = join(home, ".kumactl", "config");
  return calledAs === "kumactl" ? { read: [kumactls], write: kumactls } : { read: [ours, kumactls], write: ours };
}

export async function readContexts(files: readonly string[]): Promise<ContextsFile> {
  const file = files.find((each) => existsSync(each));
  if (!file) return structuredClone(LOCAL);
  const { parse } = await import("yaml");
  try {
    const read = (parse(readFileSync(file, "utf8")) ?? {}) as Partial<ContextsFile>;
    return {
      controlPlanes: read.controlPlanes ?? [],
      contexts: read.contexts ?? [],
      currentContext: read.currentContext ?? "",
    };
  } catch (cause) {
    throw new MeshError("MM105", `cannot read ${file}`, { why: (cause as Error).message.split("\n")[0], cause });
  }
}

export async function writeContexts(file: string, contexts: ContextsFile): Promise<void> {
  const { stringify } = await import("yaml");
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  // Renamed into place, so that a crash leaves the old file. The file may hold tokens, hence 0600.
  writeFileSync(`${file}.new`, stringify(contexts), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** The control plane of the current context. MM201 when the file names none. */
export function currentControlPlane(file: ContextsFile): ControlPlaneCoordinates {
  const context = file.contexts.find((each) => each.name === file.currentContext);
  const controlPlane = file.controlPlanes.find((each) => each.name === context?.controlPlane);
  if (!controlPlane) {
    throw new MeshError("MM201", "no control plane is chosen", {
      todo: "monomesh config control-planes add --name NAME --address http://HOST:5681",
    });
  }
  const api = controlPlane.coordinates.apiServer;
  const bearer =
    api.authType === "tokens" && api.authConf?.["token"] ? { authorization: `Bearer ${api.authConf["token"]}` } : {};
  return {
    url: api.url,
    headers: { ...Object.fromEntries((api.headers ?? []).map(({ key, value }) => [key, value])), ...bearer },
    caPem: api.caCertFile ? readFileSync(api.caCertFile, "utf8") : undefined,
    skipVerify: api.skipVerify,
  };
}
