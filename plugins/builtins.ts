import type { Plugin } from "../core/kernel/plugin.ts";
import { dataplaneTokenPlugin } from "./auth-dataplane-token/plugin.ts";
import { noAuthenticationPlugin } from "./auth-none/plugin.ts";
import { directLifecyclePlugin } from "./lifecycle-direct/plugin.ts";
import { indirectLifecyclePlugin } from "./lifecycle-indirect/plugin.ts";
import { meshTimeoutPlugin } from "./policy-mesh-timeout/plugin.ts";
import { memoryStorePlugin } from "./store-memory/plugin.ts";
import { postgresStorePlugin } from "./store-postgres/plugin.ts";
import { sqliteStorePlugin } from "./store-sqlite/plugin.ts";

/** Every plugin that ships with the control plane. Registering is this list and nothing else. */
export const controlPlanePlugins = [
  sqliteStorePlugin,
  memoryStorePlugin,
  postgresStorePlugin,
  directLifecyclePlugin,
  indirectLifecyclePlugin,
  dataplaneTokenPlugin,
  noAuthenticationPlugin,
  meshTimeoutPlugin,
] as unknown as readonly Plugin[];
