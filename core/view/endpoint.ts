import { isIP } from "node:net";
import { inboundsOf, reachableAddress, serviceOf, type Tags, tagOf, ZONE_TAG } from "../model/dataplane/access.ts";
import type { DataplaneSpec, Inbound } from "../model/dataplane/spec.ts";
import { type EndpointUse, isAnswering, type PresenceSpec } from "../model/dataplane-presence.ts";
import type { Resource } from "../model/resource.ts";

/**
 * One place where a service can be reached. Immutable, and the same object for as long as its content is the same, so
 * that what is derived from it can be kept beside it.
 */
export interface Endpoint {
  readonly service: string;
  /** Name of the Dataplane. */
  readonly proxy: string;
  /** Position of the inbound in the definition. */
  readonly index: number;
  /** An IP address. */
  readonly address: string;
  readonly port: number;
  /** Value of the tag `kuma.io/zone`; empty if there is none. */
  readonly zone: string;
  /** `degraded` is the last choice: used only when no healthy endpoint is left. */
  readonly health: Exclude<EndpointUse, "withdrawn">;
  readonly tags: Tags;
  /** Labels of the Dataplane. */
  readonly labels: Readonly<Record<string, string>>;
}

/** Gives the IP address of a host that may be a DNS name; undefined when the name has no answer yet. */
export type AddressLookup = (host: string) => string | undefined;

/**
 * The endpoints of one Dataplane, in the order of its inbounds (contract, section 4.8). Missing are inbounds that are
 * not ready, that have no service, or whose address has no answer yet; a proxy that never connected is the last choice.
 * Endpoints that equal one of `known` are that object.
 */
export function endpointsOf(
  dataplane: Resource<DataplaneSpec>,
  presence: PresenceSpec | undefined,
  lookup: AddressLookup,
  known: readonly Endpoint[],
): readonly Endpoint[] {
  const health = presence?.endpoints ?? "degraded";
  if (health === "withdrawn") return [];
  const endpoints: Endpoint[] = [];
  for (const [index, inbound] of inboundsOf(dataplane.spec).entries()) {
    const service = serviceOf(inbound);
    const address = lookup(reachableAddress(dataplane.spec, inbound));
    if (!service || !address || !takesTraffic(inbound) || !isAnswering(inbound, presence)) continue;
    const endpoint: Endpoint = {
      service,
      proxy: dataplane.name,
      index,
      address,
      port: inbound.port,
      zone: tagOf(inbound.tags, ZONE_TAG) ?? "",
      health,
      tags: inbound.tags ?? {},
      labels: dataplane.labels,
    };
    endpoints.push(known.find((each) => sameEndpoint(each, endpoint)) ?? endpoint);
  }
  return endpoints;
}

/** Only inbounds in state Ready get traffic; `Ignored` counts as ready in the status of a proxy, but not here. */
function takesTraffic(inbound: Inbound): boolean {
  return (inbound.state ?? "Ready") === "Ready" && (inbound.health === undefined || inbound.health.ready === true);
}

/** The DNS names that must be resolved before a Dataplane's listeners and endpoints are known. Lower case, each once. */
export function hostsOf(spec: DataplaneSpec): readonly string[] {
  const { address, advertisedAddress } = spec.networking;
  const hosts = [address, advertisedAddress, ...inboundsOf(spec).map((inbound) => inbound.address)];
  return [...new Set(hosts.filter((host) => host && isIP(host) === 0).map((host) => (host as string).toLowerCase()))];
}

/** Order of endpoints in a service: by zone, then proxy, then inbound; so equal content gives equal bytes. */
export function compareEndpoints(a: Endpoint, b: Endpoint): number {
  if (a.zone !== b.zone) return a.zone < b.zone ? -1 : 1;
  if (a.proxy !== b.proxy) return a.proxy < b.proxy ? -1 : 1;
  return a.index - b.index;
}

function sameEndpoint(a: Endpoint, b: Endpoint): boolean {
  return (
    a.index === b.index &&
    a.address === b.address &&
    a.port === b.port &&
    a.health === b.health &&
    a.service === b.service &&
    a.zone === b.zone &&
    sameRecord(a.tags, b.tags) &&
    sameRecord(a.labels, b.labels)
  );
}

function sameRecord(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  if (a === b) return true;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && a[key] === b[key]);
}
