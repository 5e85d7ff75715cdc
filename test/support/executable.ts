import { join } from "node:path";
import type { Program } from "../../cmd/demo/child.ts";

/** Folder of the packaged executable; `build.sh` names it. */
export const DIST = process.env["MONOMESH_DIST"] ?? join(import.meta.dirname, "../../dist");

export const EXECUTABLE = join(DIST, "monomesh");

/** Runs the packaged executable, as users do, not the source. */
export const packaged: Program = (args) => ({ file: EXECUTABLE, args });
