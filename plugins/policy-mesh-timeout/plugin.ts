import * as z from "zod/mini";
import { definePlugin } from "../../core/kernel/plugin.ts";
import type { PolicyDefinition } from "../../core/policy/policy.ts";
import { meshTimeout } from "./mesh-timeout.ts";

const options = z.strictObject({});

export const meshTimeoutPlugin = definePlugin<PolicyDefinition, z.infer<typeof options>>({
  kind: "policy",
  name: "MeshTimeout",
  description: "Timeouts of connections, requests and streams.",
  options,
  create: () => meshTimeout as PolicyDefinition,
});
