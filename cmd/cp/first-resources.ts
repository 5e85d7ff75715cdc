import type { MeshError } from "../../core/kernel/errors.ts";
import { storeNewMesh } from "../../core/policy/new-mesh.ts";
import type { Policy } from "../../core/policy/policy.ts";
import type { ResourceStore } from "../../core/store/resource-store.ts";

const DEFAULT_MESH = { type: "Mesh", mesh: "", name: "default", labels: {}, spec: {} } as const;

/**
 * Makes the mesh called `default`, with its first policies, in a store that never had one (contract, section 8.1). A user who deleted it does not
 * get it back: it is made only while the store is new. Resolves to whether the store was new.
 */
export async function ensureFirstResources(
  store: ResourceStore,
  policies: readonly Policy[],
  skipMeshCreation: boolean,
): Promise<{ readonly fresh: boolean }> {
  if ((await store.revision()) > 0) return { fresh: false };
  if (skipMeshCreation) return { fresh: true };
  try {
    await storeNewMesh(store, DEFAULT_MESH, policies);
  } catch (error) {
    // Another control plane on the same store was faster.
    if ((error as MeshError).code !== "MM409") throw error;
  }
  return { fresh: true };
}
