import * as z from "zod/mini";
import { definePlugin } from "../../core/kernel/plugin.ts";
import type { ResourceStore } from "../../core/store/resource-store.ts";
import { createMemoryStore } from "./memory-store.ts";

const options = z.strictObject({
  /** Changes that a watch can go back. */
  retainedChanges: z._default(z.int().check(z.minimum(1)), 5000),
});

export const memoryStorePlugin = definePlugin<ResourceStore, z.infer<typeof options>>({
  kind: "store",
  name: "memory",
  description: "Keeps everything in memory and forgets it when the control plane stops.",
  options,
  create(context, { retainedChanges }) {
    const store = createMemoryStore({ clock: context.clock, retainedChanges });
    context.scope.defer(() => store.close());
    return store;
  },
});
