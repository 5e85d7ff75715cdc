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
  const drafts = policies
    .filter(({ type }) => !skipped.includes(type.name))
    .flatMap(({ definition, type }) =>
      (definition.initial?.(mesh.name) ?? []).map(({ name, spec }) => {
        const draft = { type: type.name, mesh: mesh.name, name, labels: {}, spec };
        return computeResource(type, draft, { previous: undefined, mesh: mesh.spec }).draft;
      }),
    );
  const owner = { type: MESH, mesh: "", name: mesh.name };
  // Together, so that a store that can will share one commit between them.
  await Promise.all(drafts.map((draft) => store.put(draft, { expectedVersion: 0, owner }).catch(ignoreConflict)));
}

function ignoreConflict(error: unknown): void {
  if (!(error instanceof MeshError) || error.code !== "MM409") throw error;
}
