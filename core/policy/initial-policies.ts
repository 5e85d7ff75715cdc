import { MeshError } from "../kernel/errors.ts";
import { computeResource } from "../model/computed.ts";
import type { Resource } from "../model/resource.ts";
import { MESH, type MeshSpec } from "../model/types/mesh.ts";
import type { ResourceStore } from "../store/resource-store.ts";
import type { Policy } from "./policy.ts";

/**
 * Stores the policies that a new mesh begins with (contract, section 8.1), except for types that its
 * `skipCreatingInitialPolicies` names (`*` is all). A policy that is already there stays as it is. Call it once, when the
 * mesh was created: who deletes one of them later does not get it back.
 */
export async function storeInitialPolicies(
  store: ResourceStore,
  policies: readonly Policy[],
  mesh: Resource<MeshSpec>,
): Promise<void> {
  const skipped = mesh.spec.skipCreatingInitialPolicies ?? [];
  if (skipped.includes("*")) return;
  for (const { definition, type } of policies) {
    if (skipped.includes(type.name)) continue;
    for (const { name, spec } of definition.initial?.(mesh.name) ?? []) {
      const draft = { type: type.name, mesh: mesh.name, name, labels: {}, spec };
      const computed = computeResource(type, draft, { previous: undefined, mesh: mesh.spec });
      const owner = { type: MESH, mesh: "", name: mesh.name };
      try {
        await store.put(computed.draft, { expectedVersion: 0, owner });
      } catch (error) {
        if (!(error instanceof MeshError) || error.code !== "MM409") throw error;
      }
    }
  }
}
