import type { Violation } from "../../core/kernel/errors.ts";
import { type FieldPath, fieldText } from "../../core/model/field-path.ts";
import type { ConfPlace } from "../../core/policy/policy.ts";
import type { TimeoutConf } from "./mesh-timeout.ts";

/** Timeouts that belong to a connection or its listener: they cannot differ by route, or by who calls. */
const OF_CONNECTION = ["connectionTimeout", "idleTimeout"] as const;
const OF_CONNECTION_HTTP = ["maxStreamDuration", "maxConnectionDuration"] as const;

export function validateTimeouts(conf: TimeoutConf, path: FieldPath, place: ConfPlace): Violation[] {
  const violations: Violation[] = [];
  const report = (at: FieldPath, message: string) => violations.push({ field: fieldText([...path, ...at]), message });
  const { connectionTimeout, idleTimeout, http } = conf;
  if (connectionTimeout === undefined && idleTimeout === undefined && http === undefined) {
    report([], "at least one timeout should be configured");
    return violations;
  }
  if (http && Object.values(http).every((value) => value === undefined))
    report(["http"], "at least one timeout in this section should be configured");
  const refuse = (fields: readonly FieldPath[], reason: string) => {
    for (const field of fields)
      if (valueAt(conf, field) !== undefined) report(field, `can't be specified when ${reason}`);
  };
  const connectionHttp = OF_CONNECTION_HTTP.map((field) => ["http", field]);
  const connection = OF_CONNECTION.map((field) => [field]);
  if (place.topKind === "MeshHTTPRoute")
    refuse([...connection, ...connectionHttp], "top-level TargetRef is referencing MeshHTTPRoute");
  if (place.matchesOn.includes("spiffeID")) {
    const fields = [...connection, ["http", "requestHeadersTimeout"], ...connectionHttp];
    refuse(fields, "matches contain spiffeID because this field cannot be conditioned on source identity");
  }
  if (connectionTimeout !== undefined && connectionTimeout <= 0)
    report(["connectionTimeout"], "must be greater than zero when defined");
  if (idleTimeout !== undefined && idleTimeout < 0) report(["idleTimeout"], "must not be negative when defined");
  for (const [field, value] of Object.entries(http ?? {})) {
    if (value !== undefined && value < 0) report(["http", field], "must not be negative when defined");
  }
  return violations;
}

function valueAt(conf: TimeoutConf, path: FieldPath): unknown {
  return path.reduce<unknown>((value, step) => (value as Record<string, unknown> | undefined)?.[step], conf);
}
