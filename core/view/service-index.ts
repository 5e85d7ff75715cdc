import type { Protocol } from "../model/dataplane/access.ts";
import { compareEndpoints, type Endpoint } from "./endpoint.ts";
import type { Dirt, MutableService, MutableView, ProxyView } from "./mesh-view.ts";
import { commonProtocol } from "./service-protocol.ts";

/** Moves the indexes from one description of a proxy to the next and says which services that touched. */
export function reindexServices(
  view: MutableView,
  before: ProxyView | undefined,
  after: ProxyView | undefined,
): Dirt[] {
  const touched = new Set<string>();
  const moved = new Set<string>();
  const lost = new Set<string>();
  for (const endpoint of before?.endpoints ?? []) {
    if (after?.endpoints.includes(endpoint)) continue;
    removeEndpoint(serviceIn(view, endpoint.service), endpoint);
    moved.add(endpoint.service);
    if (endpoint.health === "healthy") lost.add(endpoint.service);
  }
  for (const endpoint of after?.endpoints ?? []) {
    if (before?.endpoints.includes(endpoint)) continue;
    insertEndpoint(serviceIn(view, endpoint.service), endpoint);
    moved.add(endpoint.service);
  }
  if (before?.inbounds !== after?.inbounds) {
    for (const { service, protocol } of before?.inbounds ?? []) touched.add(count(view, service, protocol, -1));
    for (const { service, protocol } of after?.inbounds ?? []) touched.add(count(view, service, protocol, 1));
  }
  if (before?.consumes !== after?.consumes) {
    for (const service of before?.consumes ?? []) {
      serviceIn(view, service).consumers.delete(before?.name ?? "");
      touched.add(service);
    }
    for (const service of after?.consumes ?? []) serviceIn(view, service).consumers.add(after?.name ?? "");
  }
  const dirt: Dirt[] = [];
  for (const service of moved) dirt.push({ kind: "endpoints", service, lost: lost.has(service) });
  for (const service of touched) if (settle(view, service)) dirt.push({ kind: "protocol", service });
  return dirt;
}

function serviceIn(view: MutableView, name: string): MutableService {
  const known = view.services.get(name);
  if (known) return known;
  const service: MutableService = {
    name,
    endpoints: [],
    protocol: "tcp",
    protocols: new Map(),
    consumers: new Set(),
  };
  view.services.set(name, service);
  return service;
}

/** Recomputes the protocol, drops a service nobody mentions; true if the protocol is another one now. */
function settle(view: MutableView, name: string): boolean {
  const service = serviceIn(view, name);
  const protocol = commonProtocol(service.protocols.keys());
  const changed = protocol !== service.protocol;
  service.protocol = protocol;
  if (service.protocols.size === 0 && service.consumers.size === 0) view.services.delete(name);
  return changed;
}

function count(view: MutableView, name: string, protocol: Protocol, by: 1 | -1): string {
  const { protocols } = serviceIn(view, name);
  const next = (protocols.get(protocol) ?? 0) + by;
  if (next === 0) protocols.delete(protocol);
  else protocols.set(protocol, next);
  return name;
}

function removeEndpoint({ endpoints }: MutableService, endpoint: Endpoint): void {
  const at = positionOf(endpoints, endpoint);
  if (endpoints[at] === endpoint) endpoints.splice(at, 1);
}

function insertEndpoint({ endpoints }: MutableService, endpoint: Endpoint): void {
  endpoints.splice(positionOf(endpoints, endpoint), 0, endpoint);
}

/** Index of the first endpoint that does not stand before this one. */
function positionOf(endpoints: readonly Endpoint[], endpoint: Endpoint): number {
  let low = 0;
  let high = endpoints.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareEndpoints(endpoints[middle] as Endpoint, endpoint) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
