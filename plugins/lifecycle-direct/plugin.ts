import * as z from "zod/mini";
import { definePlugin } from "../../core/kernel/plugin.ts";
import type { Lifecycle } from "../../core/presence/lifecycle.ts";
import { createDirectLifecycle } from "./direct.ts";

const options = z.strictObject({});

export const directLifecyclePlugin = definePlugin<Lifecycle, z.infer<typeof options>>({
  kind: "lifecycle",
  name: "direct",
  description: "The sidecar brings its Dataplane; it is made when the sidecar joins and deleted when it leaves.",
  options,
  create: () => createDirectLifecycle(),
});
