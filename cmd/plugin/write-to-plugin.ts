import { systemClock } from "../../core/kernel/clock.ts";
import { silentLogger } from "../../core/kernel/log.ts";
import { Scope } from "../../core/kernel/scope.ts";
import { writeAndTell } from "../../core/store/contract/write-and-tell.ts";
import type { ResourceStore } from "../../core/store/resource-store.ts";
import { loadPluginFile } from "./load-plugin-file.ts";
import { createInstance, readOptions } from "./plugin-under-test.ts";

/** The process that the contract kills: opens the store of a user's file in a directory and writes to it for ever. */
export async function writeToPlugin(file: string, workDir: string, json: string | undefined): Promise<number> {
  const scope = new Scope("plugin-write");
  try {
    const plugin = await loadPluginFile(file);
    const context = { scope, log: silentLogger, clock: systemClock, workDir };
    const store = await createInstance<ResourceStore>(plugin, file, context, readOptions(json)(workDir));
    await writeAndTell(store, 4);
    return 0;
  } finally {
    await scope.close();
  }
}
