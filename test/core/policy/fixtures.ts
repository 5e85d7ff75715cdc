import type { Resource } from "../../../core/model/resource.ts";
import { draftFromJson } from "../../../core/model/resource-json.ts";
import { EffectivePolicies } from "../../../core/policy/effective-policies.ts";
import { createPolicy } from "../../../core/policy/policy.ts";
import type { PolicySpec } from "../../../core/policy/policy-spec.ts";
import { meshTimeout } from "../../../plugins/policy-mesh-timeout/mesh-timeout.ts";

export const MESH_TIMEOUT = createPolicy(meshTimeout);

type Json = Readonly<Record<string, unknown>>;

/** A stored MeshTimeout from the JSON of its spec; throws when it is not valid. */
export function timeout(name: string, spec: Json, labels: Readonly<Record<string, string>> = {}): Resource<PolicySpec> {
  const json = { type: "MeshTimeout", mesh: "default", name, labels, spec };
  const { draft, violations } = draftFromJson(MESH_TIMEOUT.type, json, { strict: true });
  if (violations.length > 0) throw new Error(JSON.stringify(violations));
  return { ...draft, creationTime: 0, modificationTime: 0, version: 1, revision: 1 };
}

/** A spec whose `to` says something about the whole mesh, or about one service. */
export function to(conf: Json, service?: string): Json {
  const targetRef = service === undefined ? { kind: "Mesh" } : { kind: "MeshService", name: service };
  return { to: [{ targetRef, default: conf }] };
}

export function rules(conf: Json): Json {
  return { rules: [{ default: conf }] };
}

/** `Dataplane name=web-1`, `MeshSubset version=2 kuma.io/zone=east`, `Mesh`. */
export function target(kind: string, fields: Json = {}): Json {
  return { targetRef: { kind, ...fields } };
}

export function effective(...policies: Resource<PolicySpec>[]): EffectivePolicies {
  return new EffectivePolicies([MESH_TIMEOUT], () => policies);
}
