import { MeshError } from "../kernel/errors.ts";
import type { Resource, ResourceDraft, ResourceKey } from "../model/resource.ts";
import type { PutOptions, ResourceStore } from "./resource-store.ts";

/** A writer loses once for every write of another; who loses this often competes with a defect, and gets the conflict. */
const TRIES = 100;

/** Runs `attempt` again as long as it fails with a conflict (MM409), 100 times at the most. It must read what it changes. */
export async function retryOnConflict<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tried = 1; ; tried++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof MeshError && error.code === "MM409") || tried >= TRIES) throw error;
    }
  }
}

/**
 * Reads, changes and writes a resource so that no other write is lost. `change` gets what is stored (undefined if
 * nothing is) and returns what shall be, or undefined to leave it; it may run several times.
 * Returns what is stored afterwards.
 */
export function updateResource(
  store: ResourceStore,
  key: ResourceKey,
  change: (current: Resource | undefined) => ResourceDraft | undefined,
  options: Omit<PutOptions, "expectedVersion"> = {},
): Promise<Resource | undefined> {
  return retryOnConflict(async () => {
    const current = await store.get(key);
    const draft = change(current);
    return draft ? store.put(draft, { ...options, expectedVersion: current?.version ?? 0 }) : current;
  });
}
