/** Texts that `monomesh plugin new` writes: name of the asset -> file in the source tree. */
export const PLUGIN_TEXTS = {
  "plugin-store.mjs": "cmd/plugin/templates/store.mjs",
  "plugin-store.test.mjs": "cmd/plugin/templates/store.test.mjs",
  "plugin-auth.mjs": "cmd/plugin/templates/auth.mjs",
  "plugin-auth.test.mjs": "cmd/plugin/templates/auth.test.mjs",
  "plugin-lifecycle.mjs": "cmd/plugin/templates/lifecycle.mjs",
  "plugin-lifecycle.test.mjs": "cmd/plugin/templates/lifecycle.test.mjs",
  "plugin-policy.mjs": "cmd/plugin/templates/policy.mjs",
  "plugin-policy.test.mjs": "cmd/plugin/templates/policy.test.mjs",
  "monomesh-plugin.d.ts": ".build/plugin-types/monomesh-plugin.d.ts",
} as const;

export type PluginText = keyof typeof PLUGIN_TEXTS;
