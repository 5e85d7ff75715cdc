import { computeResource } from "../model/computed.ts";
import type { Resource, ResourceDraft } from "../model/resource.ts";
import { MESH, type MeshSpec } from "../model/types/mesh.ts";
import type { JointPut, ResourceStore } from "../store/resource-store.ts";
import type { Policy } from "./policy.ts";

/**
 * Stores a new mesh and the policies that it begins with (contract, section 8.1), except for types that its
 * `skipCreatingInitialPolicies` names (`*` is all). One write, so that no mesh is ever without them because something
 * ended in between; who deletes one of them later does not get it back. One that is there already, left behind by a mesh
 * that was removed by hand, stays as it is. MM409 when the mesh exists.
 */
export async function storeNewMesh(
  store: ResourceStore,
  mesh: ResourceDraft<MeshSpec>,
  policies: readonly Policy[],
): Promise<Resource> {
  const owner = { type: MESH, mesh: "", name: mesh.name };
  const puts: JointPut[] = [{ draft: mesh, expectedVersion: 0 }];
  for (const draft of initialPolicies(mesh, policies)) {
    if (!(await store.get(draft))) puts.push({ draft, expectedVersion: 0, owner });
  }
  const stored = await store.putAll(puts);
  return stored[0] as Resource;
}

function initialPolicies(mesh: ResourceDraft<MeshSpec>, policies: readonly Policy[]): ResourceDraft[] {
  const skipped = mesh.spec.skipCreatingInitialPolicies ?? [];
  if (skipped.includes("*")) return [];
  return policies
    .filter(({ type }) => !skipped.includes(type.name))
    .flatMap(({ definition, type }) =>
      (definition.initial?.(mesh.name) ?? []).map(({ name, spec }) => {
        const draft = { type: type.name, mesh: mesh.name, name, labels: {}, spec };
        return computeResource(type, draft, { previous: undefined, mesh: mesh.spec }).draft;
      }),
    );
}
