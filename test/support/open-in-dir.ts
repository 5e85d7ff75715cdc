import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Scope } from "../../core/kernel/scope.ts";

/** Sets something up in a directory of its own; both go with the scope, at once if the set-up fails. */
export async function openInDir<T>(name: string, setUp: (scope: Scope, dir: string) => Promise<T>): Promise<T> {
  const scope = new Scope(name);
  const dir = mkdtempSync(join(tmpdir(), `${name}-`));
  scope.defer(() => rmSync(dir, { recursive: true, force: true }));
  try {
    return await setUp(scope, dir);
  } catch (error) {
    await scope.close();
    throw error;
  }
}
