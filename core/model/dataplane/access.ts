import type { BackendRef, DataplaneSpec, Inbound } from "./spec.ts";

export const SERVICE_TAG = "kuma.io/service";
export const PROTOCOL_TAG = "kuma.io/protocol";
export const ZONE_TAG = "kuma.io/zone";

const LOCALHOST = "127.0.0.1";

/** The protocols we know; anything else in a definition is a violation (contract, section 8.2). */
export const PROTOCOLS = ["grpc", "http", "http2", "kafka", "tcp"] as const;
export type Protocol = (typeof PROTOCOLS)[number];

export type Tags = Readonly<Record<string, string>>;

/** A tag's value; undefined when the tag is not there (an inherited property of the object is no tag). */
export function tagOf(tags: Tags | undefined, name: string): string | undefined {
  return tags !== undefined && Object.hasOwn(tags, name) ? tags[name] : undefined;
}

export function inboundsOf(dp: DataplaneSpec): readonly Inbound[] {
  return dp.networking.inbound ?? [];
}

/** Address on which the inbound listens: its own, else the Dataplane's (which may be a DNS name). */
export function inboundAddress(dp: DataplaneSpec, inbound: Inbound): string {
  return inbound.address || dp.networking.address;
}

/** Address that other proxies connect to: `advertisedAddress`, else as `inboundAddress` (contract, section 4.8). May be a DNS name. */
export function reachableAddress(dp: DataplaneSpec, inbound: Inbound): string {
  return dp.networking.advertisedAddress || inboundAddress(dp, inbound);
}

/** Port of the application: `servicePort`, else the inbound's own. */
export function servicePort(inbound: Inbound): number {
  return inbound.servicePort || inbound.port;
}

/** Address of the application: `serviceAddress`, else 127.0.0.1. Kuma takes the Dataplane's address instead; we keep what its page promises. */
export function serviceAddress(inbound: Inbound): string {
  return inbound.serviceAddress || LOCALHOST;
}

/** The field `protocol`, else the tag `kuma.io/protocol`, else tcp. */
export function protocolOf(inbound: Inbound): Protocol {
  const named = inbound.protocol || tagOf(inbound.tags, PROTOCOL_TAG) || "tcp";
  return PROTOCOLS.find((protocol) => protocol === named) ?? "tcp";
}

/** The inbound's `kuma.io/service`; undefined for an inbound without tags. */
export function serviceOf(inbound: Inbound): string | undefined {
  return tagOf(inbound.tags, SERVICE_TAG);
}

/** What the user's definition says about readiness: not `NotReady`, and `health` absent or ready. `Ignored` counts as ready (contract, section 4.6). */
export function isReady(inbound: Inbound): boolean {
  return inbound.state !== "NotReady" && (inbound.health === undefined || inbound.health.ready === true);
}

export function isGateway(dp: DataplaneSpec): boolean {
  return dp.networking.gateway !== undefined;
}

/** With transparent proxying the inbound and outbound listeners are not bound; the kernel redirects to one port each. */
export function isTransparent(dp: DataplaneSpec): boolean {
  return (dp.networking.transparentProxying?.redirectPortInbound ?? 0) !== 0;
}

/** The tag sets a Dataplane carries: of every inbound, or of the gateway. */
export function tagSetsOf(dp: DataplaneSpec): readonly Tags[] {
  const { gateway } = dp.networking;
  return gateway ? [gateway.tags ?? {}] : inboundsOf(dp).map((inbound) => inbound.tags ?? {});
}

/** Every tag with all values it has over the inbounds or the gateway, in order of appearance (contract, section 6.2). */
export function tagsOf(dp: DataplaneSpec): ReadonlyMap<string, ReadonlySet<string>> {
  const values = new Map<string, Set<string>>();
  for (const [name, value] of tagSetsOf(dp).flatMap((tags) => Object.entries(tags))) {
    const known = values.get(name);
    if (known) known.add(value);
    else values.set(name, new Set([value]));
  }
  return values;
}

/** All services of a Dataplane, each once, in order of appearance. */
export function servicesOf(dp: DataplaneSpec): readonly string[] {
  return [...(tagsOf(dp).get(SERVICE_TAG) ?? [])];
}

/** The service a Dataplane is called by where only one fits. */
export function firstService(dp: DataplaneSpec): string | undefined {
  return servicesOf(dp)[0];
}

/** An outbound with its defaults filled in. */
export interface OutboundInterface {
  readonly address: string;
  readonly port: number;
  /** Without the tag of a `backendRef` these hold `kuma.io/service`. */
  readonly tags: Tags;
  /** The consumed service; undefined for a `backendRef`. */
  readonly service: string | undefined;
  readonly backendRef: BackendRef | undefined;
}

export function outboundsOf(dp: DataplaneSpec): readonly OutboundInterface[] {
  return (dp.networking.outbound ?? []).map((outbound) => ({
    address: outbound.address || LOCALHOST,
    port: outbound.port,
    tags: outbound.tags ?? {},
    service: tagOf(outbound.tags, SERVICE_TAG),
    backendRef: outbound.backendRef,
  }));
}
