import { closeSync, openSync } from "node:fs";

/**
 * Makes an empty file for a database that only this user can read, unless the file exists: the store holds private keys.
 * The files that SQLite puts beside a database get its mode.
 */
export function createPrivateFile(path: string): void {
  try {
    closeSync(openSync(path, "ax", 0o600));
  } catch {
    // It exists, or it cannot be made; then SQLite says so in a moment, with the reason.
  }
}
