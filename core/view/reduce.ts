import { isDeepStrictEqual } from "node:util";
import { inboundsOf, outboundsOf, protocolOf, serviceOf } from "../model/dataplane/access.ts";
import type { DataplaneSpec } from "../model/dataplane/spec.ts";
import { DATAPLANE_PRESENCE, type PresenceSpec } from "../model/dataplane-presence.ts";
import type { Resource } from "../model/resource.ts";
import { DATAPLANE } from "../model/types/dataplane.ts";
import { MESH, type MeshSpec } from "../model/types/mesh.ts";
import type { Change } from "../store/resource-store.ts";
import { endpointsOf, hostsOf } from "./endpoint.ts";
import { type Dirt, lookupAddress, type MeshView, type MutableView, type ProxyView } from "./mesh-view.ts";
import { reindexServices } from "./service-index.ts";

/** The types that a view looks at, policies apart; changes of others do nothing. */
export const VIEWED_TYPES = [MESH, DATAPLANE, DATAPLANE_PRESENCE] as const;

const NOTHING: readonly Dirt[] = [];

/** The mesh whose view a change belongs to; undefined for types that no view looks at. */
export function meshOfChange({ resource }: Change): string | undefined {
  if (resource.type === DATAPLANE || resource.type === DATAPLANE_PRESENCE) return resource.mesh;
  return resource.type === MESH ? resource.name : undefined;
}

/**
 * Brings a view from the state before a change to the state after it and says what can be different now. Synchronous,
 * without I/O, and independent of the way that led here: equal resources give equal views. A change that is older than
 * what the view has is passed over, so a list and a watch that overlap do no harm.
 */
export function reduce(view: MeshView, change: Change): readonly Dirt[] {
  const { resource } = change;
  if (resource.type === MESH) return reduceMesh(view as MutableView, change);
  const known = view.proxies.get(resource.name);
  const stored = change.op === "put" ? resource : undefined;
  if (resource.type === DATAPLANE) {
    if (isOld(change, known?.dataplane)) return NOTHING;
    const dataplane = stored as Resource<DataplaneSpec> | undefined;
    return replaceProxy(view as MutableView, resource.name, dataplane, known?.presence);
  }
  if (resource.type === DATAPLANE_PRESENCE) {
    if (isOld(change, known?.presence)) return NOTHING;
    const presence = stored as Resource<PresenceSpec> | undefined;
    return replaceProxy(view as MutableView, resource.name, known?.dataplane, presence);
  }
  return NOTHING;
}

/** Takes the address of a DNS name; undefined when the name has none. A name that is not in use is passed over. */
export function reduceAddress(view: MeshView, host: string, address: string | undefined): readonly Dirt[] {
  const mutable = view as MutableView;
  const users = mutable.hosts.get(host);
  if (!users || mutable.addresses.get(host) === address) return NOTHING;
  if (address === undefined) mutable.addresses.delete(host);
  else mutable.addresses.set(host, address);
  const dirt: Dirt[] = [];
  for (const name of users) {
    const known = mutable.proxies.get(name);
    dirt.push(...replaceProxy(mutable, name, known?.dataplane, known?.presence), { kind: "proxy", proxy: name });
  }
  return dirt;
}

/** Whether a change is older than what is known. */
export function isOld(change: Change, known: Resource | undefined): boolean {
  return known !== undefined && change.revision < known.revision;
}

function reduceMesh(view: MutableView, change: Change): readonly Dirt[] {
  if (isOld(change, view.resource)) return NOTHING;
  const before = view.resource;
  view.resource = change.op === "put" ? (change.resource as Resource<MeshSpec>) : undefined;
  return isDeepStrictEqual(before?.spec, view.resource?.spec) ? NOTHING : [{ kind: "mesh" }];
}

function replaceProxy(
  view: MutableView,
  name: string,
  dataplane: Resource<DataplaneSpec> | undefined,
  presence: Resource<PresenceSpec> | undefined,
): readonly Dirt[] {
  const before = view.proxies.get(name);
  const redefined = !isDeepStrictEqual(before?.dataplane?.spec, dataplane?.spec);
  // Policies may select a proxy by its labels.
  const relabelled = !isDeepStrictEqual(before?.dataplane?.labels, dataplane?.labels);
  const dirt: Dirt[] = redefined || relabelled ? [{ kind: "proxy", proxy: name }] : [];
  const hosts = !redefined && before ? before.hosts : dataplane ? hostsOf(dataplane.spec) : [];
  if (before?.hosts !== hosts) dirt.push(...reindexHosts(view, name, before?.hosts ?? [], hosts));
  const after = dataplane || presence ? describe(view, name, dataplane, presence, before, hosts, redefined) : undefined;
  if (after) view.proxies.set(name, after);
  else view.proxies.delete(name);
  dirt.push(...reindexServices(view, before, after));
  return dirt;
}

/** What was derived from an unchanged definition keeps its identity, so that a change of presence touches endpoints only. */
function describe(
  view: MutableView,
  name: string,
  dataplane: Resource<DataplaneSpec> | undefined,
  presence: Resource<PresenceSpec> | undefined,
  before: ProxyView | undefined,
  hosts: readonly string[],
  redefined: boolean,
): ProxyView {
  const lookup = (host: string) => lookupAddress(view, host);
  const endpoints = dataplane ? endpointsOf(dataplane, presence?.spec, lookup, before?.endpoints ?? []) : [];
  if (!redefined && before) {
    const { inbounds, consumes } = before;
    return { name, dataplane, presence, inbounds, endpoints, consumes, hosts };
  }
  const inbounds = dataplane
    ? inboundsOf(dataplane.spec).flatMap((inbound) => {
        const service = serviceOf(inbound);
        return service ? [{ service, protocol: protocolOf(inbound) }] : [];
      })
    : [];
  const outbounds = dataplane ? outboundsOf(dataplane.spec) : [];
  const consumes = [...new Set(outbounds.flatMap(({ service }) => (service ? [service] : [])))];
  return { name, dataplane, presence, inbounds, endpoints, consumes, hosts };
}

/** Keeps `hosts` and drops the answers that nobody needs any more: they would be old when somebody does again. */
function reindexHosts(view: MutableView, name: string, before: readonly string[], after: readonly string[]): Dirt[] {
  const dirt: Dirt[] = [];
  for (const host of after) {
    const users = view.hosts.get(host);
    if (users) users.add(name);
    else {
      view.hosts.set(host, new Set([name]));
      dirt.push({ kind: "host", host });
    }
  }
  for (const host of before) {
    if (after.includes(host)) continue;
    const users = view.hosts.get(host);
    users?.delete(name);
    if (users?.size !== 0) continue;
    view.hosts.delete(host);
    view.addresses.delete(host);
    dirt.push({ kind: "host", host });
  }
  return dirt;
}
