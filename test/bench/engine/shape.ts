/** What the simulated mesh looks like; both sides of the generator work it out from these few numbers. */
export interface Shape {
  readonly proxies: number;
  readonly services: number;
  readonly outbounds: number;
  /** Consumers of the second service; all consume the first. */
  readonly few: number;
}

/** 10 outbounds to 20 services at 100 sidecars, 20 outbounds to 100 services at 1,000; from there on ten instances of each. */
export function shapeFor(proxies: number, few = Math.min(200, Math.ceil(proxies / 5))): Shape {
  if (proxies < 500) return { proxies, services: 20, outbounds: 10, few };
  return { proxies, services: Math.max(100, Math.floor(proxies / 10)), outbounds: 20, few };
}

/** All of one width, so that no name is part of another. */
export const serviceName = (index: number) => `service-${String(index).padStart(4, "0")}`;

export const proxyName = (index: number) => `proxy-${String(index).padStart(6, "0")}`;

export function isOneOfFew(shape: Shape, index: number): boolean {
  const every = Math.max(1, Math.floor(shape.proxies / shape.few));
  return index % every === 0 && index / every < shape.few;
}

/** The first service for all, the second for few, of the others a window that moves from proxy to proxy. */
function outboundsOf(shape: Shape, index: number): string[] {
  const names = [serviceName(0)];
  if (isOneOfFew(shape, index)) names.push(serviceName(1));
  for (let at = 0; names.length < shape.outbounds; at++) {
    names.push(serviceName(2 + ((index * 7 + at) % (shape.services - 2))));
  }
  return names;
}

/** The Dataplane that a simulated sidecar brings. */
export function definitionOf(shape: Shape, index: number) {
  const service = serviceName(index % shape.services);
  return {
    type: "Dataplane",
    mesh: "default",
    name: proxyName(index),
    networking: {
      address: `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`,
      inbound: [{ port: 8080, servicePort: 80, tags: { "kuma.io/service": service, "kuma.io/protocol": "http" } }],
      outbound: outboundsOf(shape, index).map((name, at) => ({
        port: 20_000 + at,
        tags: { "kuma.io/service": name },
      })),
    },
  };
}

/** A Dataplane without a sidecar: one more endpoint of a service, recognised by its address. */
export function extraEndpoint(service: string, address: string) {
  return {
    type: "Dataplane",
    mesh: "default",
    name: `extra-${address.replaceAll(".", "-")}`,
    networking: {
      address,
      inbound: [{ port: 8080, tags: { "kuma.io/service": service, "kuma.io/protocol": "http" } }],
    },
  };
}
