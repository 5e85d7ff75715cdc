import { MeshError } from "../kernel/errors.ts";
import type { Resource } from "../model/resource.ts";
import { MESH } from "../model/types/mesh.ts";
import type { ResourceStore } from "../store/resource-store.ts";

/** The Mesh; MM406 when it does not exist, which REST tells apart from a missing resource in it (contract, section 7.2). */
export async function requireMesh(store: ResourceStore, mesh: string): Promise<Resource> {
  const found = await store.get({ type: MESH, mesh: "", name: mesh });
  if (!found) throw new MeshError("MM406", `mesh "${mesh}" does not exist`);
  return found;
}
