import { accessSync, constants, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { MeshError } from "../../core/kernel/errors.ts";
import { homeDir } from "../../core/kernel/home-dir.ts";

/** Where state lives unless `general.workDir` says otherwise (ux.md, section 4.3). */
export function defaultWorkDir(calledAs: string, uid: number, home: string = homeDir()): string {
  if (calledAs === "kuma-cp") return join(home, ".kuma");
  return uid === 0 ? "/var/lib/monomesh" : join(home, ".monomesh");
}

/** Makes the directory (mode 0700) if it is missing. MM105 when it cannot be made or written. */
export function openWorkDir(configured: string, calledAs: string): string {
  const dir = configured ? resolve(configured) : defaultWorkDir(calledAs, process.getuid?.() ?? 1);
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    accessSync(dir, constants.W_OK);
  } catch (cause) {
    throw new MeshError("MM105", `cannot write to the work directory ${dir}`, {
      why: (cause as Error).message,
      todo: "Another one: MONOMESH_GENERAL_WORK_DIR=DIR (general.workDir)",
      cause,
    });
  }
  return dir;
}
