import { MeshError } from "../kernel/errors.ts";
import type { ResourceKey } from "../model/resource.ts";
import { DATAPLANE } from "../model/types/dataplane.ts";
import { MESH } from "../model/types/mesh.ts";
import type { RevisionRange } from "../push/configurations.ts";
import type { ResourceStore } from "../store/resource-store.ts";

/** Deletes a resource and what it owns; returns revisions between which that was. MM404 if there is none; MM104 for a Mesh that still has Dataplanes (contract, section 8.4). */
export async function deleteResource(store: ResourceStore, key: ResourceKey): Promise<RevisionRange> {
  if (key.type === MESH) await requireNoDataplanes(store, key.name);
  const from = (await store.revision()) + 1;
  const { revision } = await store.delete(key);
  // The store tells the revision of the last put; the deletion itself came after.
  const to = await store.revision().catch(() => revision);
  return { from, to };
}

async function requireNoDataplanes(store: ResourceStore, mesh: string): Promise<void> {
  const { total, items } = await store.list(DATAPLANE, { mesh, limit: 1 });
  if (total === 0) return;
  const message = `has ${total} Dataplane${total === 1 ? "" : "s"}, such as ${items[0]?.name}; delete them first`;
  throw new MeshError("MM104", `mesh "${mesh}" cannot be deleted`, { violations: [{ field: "mesh", message }] });
}
