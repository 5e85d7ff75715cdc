import type { FieldPath } from "../field-path.ts";
import { checkPort, type Report } from "./report.ts";
import type { BackendRef, Networking } from "./spec.ts";

const KINDS = ["MeshService", "MeshExternalService", "MeshMultiZoneService"];

/** Rules for `outbound[].backendRef` (contract, section 8.2). */
export function checkRef(ref: BackendRef, path: FieldPath, report: Report): void {
  checkKindAndTarget(ref, path, report);
  if (ref.kind === "MeshExternalService") {
    if (ref.port) report([...path, "port"], "must be absent for a MeshExternalService");
  } else checkPort(report, [...path, "port"], ref.port ?? 0);
}

/** Rules for `transparentProxying.reachableBackends`. */
export function checkReachableBackends(networking: Networking, report: Report): void {
  networking.transparentProxying?.reachableBackends?.refs?.forEach((ref, index) => {
    const path = ["networking", "transparentProxying", "reachableBackends", "refs", index];
    checkKindAndTarget(ref, path, report);
    if (ref.namespace && !ref.name) report([...path, "namespace"], "needs a name beside it");
    if (ref.port !== undefined) checkPort(report, [...path, "port"], ref.port);
  });
}

function checkKindAndTarget(
  ref: { readonly kind: string; readonly name?: string | undefined; readonly labels?: object | undefined },
  path: FieldPath,
  report: Report,
): void {
  if (!KINDS.includes(ref.kind)) report([...path, "kind"], `must be one of ${KINDS.join(", ")}`);
  const byLabels = Object.keys(ref.labels ?? {}).length > 0;
  if (ref.name && byLabels) report([...path, "labels"], "must not be given together with name");
  if (!ref.name && !byLabels) report([...path, "name"], "is required, unless there are labels");
}
