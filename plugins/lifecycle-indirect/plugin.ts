import * as z from "zod/mini";
import { definePlugin } from "../../core/kernel/plugin.ts";
import type { Lifecycle } from "../../core/presence/lifecycle.ts";
import { createIndirectLifecycle } from "./indirect.ts";

const options = z.strictObject({});

export const indirectLifecyclePlugin = definePlugin<Lifecycle, z.infer<typeof options>>({
  kind: "lifecycle",
  name: "indirect",
  description: "The Dataplane is made through the API; the sidecar names it, and its leave never deletes it.",
  options,
  create: () => createIndirectLifecycle(),
});
