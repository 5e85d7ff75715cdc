import type { Violation } from "../../kernel/errors.ts";
import { type FieldPath, fieldText } from "../field-path.ts";
import { nameProblem, tagNameProblem, tagValueProblem } from "../names.ts";
import type { MeshSpec } from "./spec.ts";

type Report = (path: FieldPath, message: string) => void;
type Named = { readonly name?: string | undefined; readonly type?: string | undefined };

const EXPIRATION = /^[1-9]\d*(ms|s|m|h|d|w|y)$/;

/** The rules of the contract's section 8.4, and ours about names (docs/resources.md). */
export function validateMesh(name: string, spec: MeshSpec): Violation[] {
  const violations: Violation[] = [];
  const report: Report = (path, message) => violations.push({ field: fieldText(path), message });
  if (name.length > 63) report(["name"], "must have 63 characters at most");
  if (name.includes(".")) report(["name"], "must not contain '.', which separates mesh and name in the ids of proxies");
  checkMtls(name, spec, report);
  checkBackends(["logging"], spec.logging?.backends, ["file", "tcp"], spec.logging?.defaultBackend, report);
  checkBackends(["tracing"], spec.tracing?.backends, ["zipkin", "datadog"], spec.tracing?.defaultBackend, report);
  checkBackends(["metrics"], spec.metrics?.backends, ["prometheus"], undefined, report);
  checkEnabled(["metrics", "enabledBackend"], spec.metrics?.enabledBackend, spec.metrics?.backends, report);
  spec.tracing?.backends?.forEach(({ sampling }, index) => {
    if (sampling !== undefined && (sampling < 0 || sampling > 100)) {
      report(["tracing", "backends", index, "sampling"], "must be 0 to 100");
    }
  });
  checkConstraints(spec, report);
  return violations;
}

function checkMtls(mesh: string, { mtls }: MeshSpec, report: Report): void {
  if (!mtls) return;
  const backends = mtls.backends ?? [];
  if (backends.length > 1) report(["mtls", "backends"], "must hold one backend at most");
  if (mtls.skipValidation) checkNames(["mtls"], backends, report);
  else checkBackends(["mtls"], backends, ["builtin", "provided"], undefined, report);
  checkEnabled(["mtls", "enabledBackend"], mtls.enabledBackend, backends, report);
  // Storing it without acting on it would let the user believe that the traffic is encrypted.
  if (mtls.enabledBackend)
    report(["mtls", "enabledBackend"], "mutual TLS cannot be switched on in this version; leave it empty");
  backends.forEach((backend, index) => {
    const path = ["mtls", "backends", index];
    const expiration = backend.dpCert?.rotation?.expiration;
    if (expiration && !EXPIRATION.test(expiration)) {
      report(
        [...path, "dpCert", "rotation", "expiration"],
        "must be one whole number and one unit of ms, s, m, h, d, w, y: 1d",
      );
    }
    const secret = `${mesh}.ca-builtin-cert-${backend.name}`;
    if (backend.type === "builtin" && backend.name && (secret.length > 255 || nameProblem(secret))) {
      report([...path, "name"], `the secret "${secret}" would need a name in lower case with 255 characters at most`);
    }
  });
}

function checkBackends(
  path: FieldPath,
  backends: readonly Named[] | undefined,
  types: readonly string[],
  defaultBackend: string | undefined,
  report: Report,
): void {
  checkNames(path, backends, report);
  backends?.forEach(({ type }, index) => {
    if (!types.includes(type ?? "")) report([...path, "backends", index, "type"], `must be one of ${types.join(", ")}`);
  });
  checkEnabled([...path, "defaultBackend"], defaultBackend, backends, report);
}

function checkNames(path: FieldPath, backends: readonly Named[] | undefined, report: Report): void {
  const names = new Set<string>();
  backends?.forEach(({ name }, index) => {
    const field = [...path, "backends", index, "name"];
    if (!name) report(field, "is required");
    else if (names.has(name)) report(field, "must differ from the names of the other backends");
    names.add(name ?? "");
  });
}

function checkEnabled(
  path: FieldPath,
  name: string | undefined,
  backends: readonly Named[] | undefined,
  report: Report,
): void {
  if (name && !backends?.some((backend) => backend.name === name))
    report(path, "must be the name of one of the backends");
}

function checkConstraints(spec: MeshSpec, report: Report): void {
  const rules = spec.constraints?.dataplaneProxy;
  for (const kind of ["requirements", "restrictions"] as const) {
    rules?.[kind]?.forEach(({ tags }, index) => {
      const path = ["constraints", "dataplaneProxy", kind, index, "tags"];
      if (Object.keys(tags ?? {}).length === 0) report(path, "must hold one tag at least");
      for (const [name, value] of Object.entries(tags ?? {})) {
        const problem = tagNameProblem(name) ?? (value === "*" ? undefined : tagValueProblem(value));
        if (problem) report([...path, name], problem);
      }
    });
  }
}
