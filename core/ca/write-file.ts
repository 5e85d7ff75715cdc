import { randomUUID } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { MeshError } from "../kernel/errors.ts";

/** Replaces a file as a whole, so that a reader sees the old one or the new one. MM105 when it cannot. Not synced: what is written here can be made again. */
export async function replaceFile(path: string, text: string, mode: number): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    const file = await open(temporary, "w", mode);
    try {
      await file.chmod(mode);
      await file.writeFile(text);
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw new MeshError("MM105", `cannot write ${path}`, { why: (cause as Error).message, cause });
  }
}
