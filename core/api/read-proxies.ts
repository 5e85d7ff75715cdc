import { setImmediate as nextTurn } from "node:timers/promises";
import { DATAPLANE_PRESENCE, type PresenceSpec } from "../model/dataplane-presence.ts";
import { keyText, type Resource } from "../model/resource.ts";
import type { DataplaneSpec } from "../model/types/dataplane.ts";
import { DATAPLANE_INSIGHT, type DataplaneInsightSpec } from "../model/types/dataplane-insight.ts";
import type { ResourceStore } from "../store/resource-store.ts";
import type { ApiDeps } from "./api-deps.ts";
import type { ProxyRecords } from "./overview.ts";

/** Below this, single reads cost less than reading a mesh's whole lists. */
const FEW = 100;
/** Items read at once from a long list, so that the event loop is free in between. */
const CHUNK = 500;

/** All that is known of the proxies of these Dataplanes, in their order. */
export async function readProxies(
  { store, configurations, presence, insights }: Pick<ApiDeps, "store" | "configurations" | "presence" | "insights">,
  dataplanes: readonly Resource[],
): Promise<ProxyRecords[]> {
  const [documents, presences] = await Promise.all([
    readCompanions(store, DATAPLANE_INSIGHT, dataplanes),
    readCompanions(store, DATAPLANE_PRESENCE, dataplanes),
  ]);
  return dataplanes.map((dataplane, index) => {
    const stored = documents[index]?.spec as DataplaneInsightSpec | undefined;
    const record = presences[index]?.spec as PresenceSpec | undefined;
    return {
      dataplane: dataplane as Resource<DataplaneSpec>,
      insight: stored && insights.withCounters(dataplane, stored),
      presence: record,
      freshness: configurations.freshness(dataplane),
      outlook: record && presence.outlook(record),
    };
  });
}

/** For each Dataplane the resource of another type that has its mesh and name. */
async function readCompanions(
  store: ResourceStore,
  type: string,
  dataplanes: readonly Resource[],
): Promise<readonly (Resource | undefined)[]> {
  const keys = dataplanes.map(({ mesh, name }) => ({ type, mesh, name }));
  if (keys.length <= FEW) return Promise.all(keys.map((key) => store.get(key)));
  const found = new Map<string, Resource>();
  const meshes = [...new Set(keys.map((key) => key.mesh))];
  for (const mesh of meshes) {
    let after: string | undefined;
    do {
      const page = await store.list(type, { mesh, limit: CHUNK, after });
      for (const item of page.items) found.set(keyText(item), item);
      await nextTurn();
      after = page.next;
    } while (after !== undefined);
  }
  return keys.map((key) => found.get(keyText(key)));
}
