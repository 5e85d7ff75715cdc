import { optional, type output } from "zod/mini";
import { double, duration, flag, list, message, oneOf, presence, struct, text, textMap } from "../shape/fields.ts";

const CaBackendShape = message({
  name: optional(text()),
  /** `builtin` or `provided`. */
  type: optional(text()),
  dpCert: optional(
    message({
      /** One whole number and one unit of ms, s, m, h, d, w, y: `1d`. */
      rotation: optional(message({ expiration: optional(text()) })),
      requestTimeout: optional(duration()),
    }),
  ),
  conf: optional(struct()),
  mode: optional(oneOf(["STRICT", "PERMISSIVE"])),
  rootChain: optional(message({ requestTimeout: optional(duration()) })),
});

const RulesShape = list(message({ tags: optional(textMap()) }));

/** The spec of a Mesh (contract, section 8.4). */
export const MeshShape = message({
  mtls: optional(
    message({
      /** Name of the backend in use; empty while mutual TLS is off. */
      enabledBackend: optional(text()),
      backends: optional(list(CaBackendShape)),
      skipValidation: optional(flag()),
    }),
  ),
  tracing: optional(
    message({
      defaultBackend: optional(text()),
      backends: optional(
        list(
          message({
            name: optional(text()),
            /** Percent. */
            sampling: optional(presence(double())),
            type: optional(text()),
            conf: optional(struct()),
          }),
        ),
      ),
    }),
  ),
  logging: optional(
    message({
      defaultBackend: optional(text()),
      backends: optional(
        list(
          message({
            name: optional(text()),
            format: optional(text()),
            type: optional(text()),
            conf: optional(struct()),
          }),
        ),
      ),
    }),
  ),
  metrics: optional(
    message({
      enabledBackend: optional(text()),
      backends: optional(list(message({ name: optional(text()), type: optional(text()), conf: optional(struct()) }))),
    }),
  ),
  networking: optional(message({ outbound: optional(message({ passthrough: optional(presence(flag())) })) })),
  routing: optional(
    message({
      localityAwareLoadBalancing: optional(flag()),
      zoneEgress: optional(flag()),
      defaultForbidMeshExternalServiceAccess: optional(flag()),
    }),
  ),
  constraints: optional(
    message({
      dataplaneProxy: optional(message({ requirements: optional(RulesShape), restrictions: optional(RulesShape) })),
    }),
  ),
  /** Names of policy types, or `*`. */
  skipCreatingInitialPolicies: optional(list(text())),
  meshServices: optional(
    message({ mode: optional(oneOf(["Disabled", "Everywhere", "ReachableBackends", "Exclusive"])) }),
  ),
});

export type MeshSpec = output<typeof MeshShape>;
