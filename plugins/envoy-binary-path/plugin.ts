import { definePlugin, type OptionsSchema } from "../../core/kernel/plugin.ts";
import type { EnvoyBinaryLocator, EnvoyBinaryOptions } from "../../core/sidecar/envoy/envoy-binary.ts";
import { locateEnvoy } from "./locate-envoy.ts";

/** By hand: the sidecar does not load a schema library for two fields. */
const options: OptionsSchema<EnvoyBinaryOptions> = {
  "~standard": {
    version: 1,
    vendor: "monomesh",
    validate: (value) => {
      const given = value as Partial<EnvoyBinaryOptions> | undefined;
      return { value: { binaryPath: String(given?.binaryPath ?? ""), env: given?.env ?? {} } };
    },
  },
};

/** Finds Envoy among the files of this machine. */
export const envoyBinaryPath = definePlugin<EnvoyBinaryLocator, EnvoyBinaryOptions>({
  kind: "envoy-binary",
  name: "path",
  description: "Envoy from --binary-path, ENVOY_BINARY, beside the executable, or the PATH",
  options,
  create: (_context, given) => ({ locate: () => locateEnvoy(given) }),
});
