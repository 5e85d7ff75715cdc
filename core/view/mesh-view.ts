import { isIP } from "node:net";
import type { Protocol } from "../model/dataplane/access.ts";
import type { DataplaneSpec } from "../model/dataplane/spec.ts";
import type { PresenceSpec } from "../model/dataplane-presence.ts";
import type { Resource } from "../model/resource.ts";
import type { MeshSpec } from "../model/types/mesh.ts";
import type { Endpoint } from "./endpoint.ts";

/** One proxy of a mesh with everything that is derived from it alone. Immutable, replaced as a whole. */
export interface ProxyView {
  readonly name: string;
  /** Absent while only the presence record is known. */
  readonly dataplane: Resource<DataplaneSpec> | undefined;
  readonly presence: Resource<PresenceSpec> | undefined;
  /** Service and protocol of each inbound, ready or not. */
  readonly inbounds: readonly { readonly service: string; readonly protocol: Protocol }[];
  readonly endpoints: readonly Endpoint[];
  /** Services of the outbounds, each once. */
  readonly consumes: readonly string[];
  /** DNS names whose addresses it needs. */
  readonly hosts: readonly string[];
}

/** One service of a mesh: whoever provides or consumes it. */
export interface ServiceView {
  readonly name: string;
  /** Sorted by `compareEndpoints`. */
  readonly endpoints: readonly Endpoint[];
  /** Common protocol of all inbounds, ready or not: readiness must not change listeners. */
  readonly protocol: Protocol;
  /** Names of the proxies that have an outbound to it. */
  readonly consumers: ReadonlySet<string>;
}

/** What a change can have altered. Nobody needs to look at anything else. */
export type Dirt =
  /** The endpoints of a service. `lost`: a healthy one is no longer what it was, so that who does not know yet may fail. */
  | { readonly kind: "endpoints"; readonly service: string; readonly lost: boolean }
  /** The protocol of a service: clusters and listeners of its consumers. */
  | { readonly kind: "protocol"; readonly service: string }
  /** A proxy's own definition or address. */
  | { readonly kind: "proxy"; readonly proxy: string }
  /** Something that every proxy of the mesh may depend on. */
  | { readonly kind: "mesh" }
  /** A policy was made, changed or deleted: proxies that it selects, or selected before. */
  | { readonly kind: "policy"; readonly before: Resource | undefined; readonly after: Resource | undefined }
  /** A DNS name came into use or went out of it: see `MeshView.hosts`. */
  | { readonly kind: "host"; readonly host: string };

/** The picture of one mesh in memory, with its indexes. Only `reduce` and `reduceAddress` change it. */
export interface MeshView {
  readonly mesh: string;
  readonly resource: Resource<MeshSpec> | undefined;
  readonly proxies: ReadonlyMap<string, ProxyView>;
  readonly services: ReadonlyMap<string, ServiceView>;
  /** DNS names in use, and by which proxies. */
  readonly hosts: ReadonlyMap<string, ReadonlySet<string>>;
  /** Answers for the names in use: one IP address each. */
  readonly addresses: ReadonlyMap<string, string>;
  /** Policies by type and name. The view keeps them and does not look into them. */
  readonly policies: ReadonlyMap<string, ReadonlyMap<string, Resource>>;
  /** Another object after each change of a policy: what is derived from policies is kept under it. */
  readonly policyEdition: object;
}

/** What `core/view` itself writes to. */
export interface MutableService extends ServiceView {
  readonly endpoints: Endpoint[];
  protocol: Protocol;
  /** How many inbounds speak each protocol. */
  readonly protocols: Map<Protocol, number>;
  readonly consumers: Set<string>;
}

export interface MutableView extends MeshView {
  resource: Resource<MeshSpec> | undefined;
  readonly proxies: Map<string, ProxyView>;
  readonly services: Map<string, MutableService>;
  readonly hosts: Map<string, Set<string>>;
  readonly addresses: Map<string, string>;
  readonly policies: Map<string, Map<string, Resource>>;
  policyEdition: object;
}

export function createMeshView(mesh: string): MeshView {
  const view: MutableView = {
    mesh,
    resource: undefined,
    proxies: new Map(),
    services: new Map(),
    hosts: new Map(),
    addresses: new Map(),
    policies: new Map(),
    policyEdition: {},
  };
  return view;
}

/** The IP address of a host; undefined for a DNS name without an answer. */
export function lookupAddress(view: MeshView, host: string): string | undefined {
  return isIP(host) === 0 ? view.addresses.get(host.toLowerCase()) : host;
}

/** True when nothing is left: the mesh and everything in it are gone. */
export function isEmpty(view: MeshView): boolean {
  return view.resource === undefined && view.proxies.size === 0 && view.policies.size === 0;
}
