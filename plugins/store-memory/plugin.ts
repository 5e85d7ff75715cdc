import * as z from "zod/mini";
import { definePlugin } from "../../core/kernel/plugin.ts";
import { unknownOption } from "../../core/store/option-errors.ts";
import type { ResourceStore } from "../../core/store/resource-store.ts";
import { createMemoryStore } from "./memory-store.ts";

const AT_LEAST_ONE = "must be a whole number, 1 or more";

const options = z.strictObject(
  {
    /** Changes that a watch can go back. */
    retainedChanges: z._default(z.int(AT_LEAST_ONE).check(z.minimum(1, AT_LEAST_ONE)), 5000),
  },
  { error: unknownOption },
);

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
