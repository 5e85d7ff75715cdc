import { MeshError } from "../../core/kernel/errors.ts";
import { SqliteFailure } from "./sqlite-driver.ts";

const RESTORE =
  "Stop the control plane, then put a backup in its place, or move the file away to begin with an empty store.";

/** Says what an error of SQLite means for the store in `path`; other errors pass as they are. */
export function storeError(error: unknown, path: string): unknown {
  if (!(error instanceof SqliteFailure)) return error;
  const parts = { where: path, why: `${error.message}.`, cause: error };
  switch (error.result) {
    case "FULL":
      return new MeshError("MM503", "there is no room for the store's database", {
        ...parts,
        todo: "Free some space on its disk; writing then goes on by itself.",
      });
    case "READONLY":
      return new MeshError("MM503", "the store's database cannot be written", {
        ...parts,
        todo: "Make the file and its directory writable for the user that runs the control plane.",
      });
    case "CANTOPEN":
      return new MeshError("MM503", "the store's database cannot be opened", {
        ...parts,
        todo: "Check that the file and its directory can be read and written by the user that runs the control plane.",
      });
    case "IOERR":
      return new MeshError("MM503", "the disk of the store's database failed", {
        ...parts,
        todo: "Check the disk (dmesg); writing goes on by itself when it works again.",
      });
    case "BUSY":
    case "LOCKED":
      return new MeshError("MM503", "another program keeps the store's database locked", {
        ...parts,
        todo: "Close the program that has the file open (fuser shows it).",
      });
    case "CORRUPT":
    case "NOTADB":
      return new MeshError("MM500", "the store's database is damaged, or not a database", { ...parts, todo: RESTORE });
    default:
      return new MeshError("MM500", "the store's database failed", parts);
  }
}

/** MM500: the integrity check found something. */
export function damaged(path: string, finding: string): MeshError {
  return new MeshError("MM500", "the store's database is damaged", { where: path, why: finding, todo: RESTORE });
}
