import type { InitialPolicy } from "../../core/policy/policy.ts";
import type { TimeoutConf } from "./mesh-timeout.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const EVERYTHING = { kind: "Mesh" } as const;

/**
 * The timeouts that a mesh begins with (contract, section 8.1): patient with what a proxy serves, since whoever calls has
 * its own limits, and shorter with what it consumes. For sidecars they say what the default settings say.
 */
export function initialTimeouts(mesh: string): readonly InitialPolicy<TimeoutConf>[] {
  return [
    {
      name: `mesh-timeout-all-${mesh}`,
      spec: {
        targetRef: { kind: "Mesh", proxyTypes: ["Sidecar"] },
        to: [
          {
            targetRef: EVERYTHING,
            default: {
              connectionTimeout: 5 * SECOND,
              idleTimeout: HOUR,
              http: { requestTimeout: 15 * SECOND, streamIdleTimeout: 30 * MINUTE },
            },
          },
        ],
        from: [
          {
            targetRef: EVERYTHING,
            default: {
              connectionTimeout: 10 * SECOND,
              idleTimeout: 2 * HOUR,
              http: { requestTimeout: 0, streamIdleTimeout: HOUR, maxStreamDuration: 0 },
            },
          },
        ],
      },
    },
    {
      name: `mesh-gateways-timeout-all-${mesh}`,
      spec: {
        targetRef: { kind: "Mesh", proxyTypes: ["Gateway"] },
        to: [{ targetRef: EVERYTHING, default: { idleTimeout: HOUR, http: { streamIdleTimeout: 5 * SECOND } } }],
        from: [
          {
            targetRef: EVERYTHING,
            default: {
              idleTimeout: 5 * MINUTE,
              http: { streamIdleTimeout: 5 * SECOND, requestHeadersTimeout: 500 },
            },
          },
        ],
      },
    },
  ];
}
