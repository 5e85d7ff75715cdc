import { optional, type output } from "zod/mini";
import { goDuration, message } from "../../core/model/shape/fields.ts";
import { definePolicy } from "../../core/policy/policy.ts";
import { initialTimeouts } from "./initial.ts";
import { timeoutSettings } from "./settings.ts";
import { validateTimeouts } from "./validate.ts";

/** All times are milliseconds; 0 switches a timeout off, absent leaves it to the policies below, at last to the default. */
export const TimeoutShape = message({
  /** Until a TCP connection with the other side exists. Never 0. */
  connectionTimeout: optional(goDuration()),
  /** Until a connection on which nothing happens is closed. */
  idleTimeout: optional(goDuration()),
  http: optional(
    message({
      /** From the end of the request to the end of the response. */
      requestTimeout: optional(goDuration()),
      /** Until a stream on which nothing happens is ended. */
      streamIdleTimeout: optional(goDuration()),
      /** Longest life of a stream. */
      maxStreamDuration: optional(goDuration()),
      /** Longest life of a connection with the other side; it is drained then. */
      maxConnectionDuration: optional(goDuration()),
      /** For the headers of a request to arrive. */
      requestHeadersTimeout: optional(goDuration()),
    }),
  ),
});

export type TimeoutConf = output<typeof TimeoutShape>;

/** Timeouts of what a proxy serves and of what it consumes (contract, section 9). */
export const meshTimeout = definePolicy<TimeoutConf>({
  name: "MeshTimeout",
  path: "meshtimeouts",
  shortName: "mt",
  singularDisplayName: "Mesh Timeout",
  pluralDisplayName: "Mesh Timeouts",
  conf: TimeoutShape,
  topKinds: ["Mesh", "Dataplane", "MeshSubset", "MeshGateway", "MeshService", "MeshServiceSubset", "MeshHTTPRoute"],
  toKinds: ["Mesh", "MeshService", "MeshExternalService", "MeshMultiZoneService", "MeshHTTPRoute"],
  fromKinds: ["Mesh"],
  hasRules: true,
  validate: validateTimeouts,
  contribute: timeoutSettings,
  initial: initialTimeouts,
});
