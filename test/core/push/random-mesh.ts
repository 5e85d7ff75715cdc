import { PROTOCOLS } from "../../../core/model/dataplane/access.ts";
import type { ResourceDraft } from "../../../core/model/resource.ts";
import type { Outbound } from "../../../core/model/types/dataplane.ts";
import type { ResourceStore } from "../../../core/store/resource-store.ts";
import { timeout } from "../policy/fixtures.ts";
import { type DataplaneInit, dataplane, mesh, presence } from "../view/fixtures.ts";

/** Random numbers that can be had again by their seed (mulberry32). */
export function createRandom(seed: number) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number) => Math.floor(next() * limit);
  const pick = <T>(values: readonly T[]): T => values[below(values.length)] as T;
  const list = <T>(longest: number, make: () => T): T[] => Array.from({ length: below(longest + 1) }, make);
  return { below, pick, list, chance: (of: number) => next() < of };
}

type Random = ReturnType<typeof createRandom>;

export const MESHES = ["default", "other"] as const;
export const PROXIES = ["p0", "p1", "p2", "p3", "p4", "p5"] as const;
const SERVICES = ["s0", "s1", "s2", "s3"] as const;

/** Where things may listen. */
export interface RandomPlaces {
  /** Of Dataplanes: IP addresses and DNS names. */
  readonly addresses: readonly string[];
  /** The lowest of three inbound ports. */
  readonly inboundPort: number;
  readonly outboundAddress: string;
}

/** Some of the DNS names in use have an address, one has none. */
export const DNS = { "one.example": "10.1.0.1", "two.example": "10.1.0.2" } as const;

export const ANYWHERE: RandomPlaces = {
  addresses: ["10.0.0.1", "10.0.0.2", "fd00::3", "one.example", "Two.example", "none.example"],
  inboundPort: 80,
  outboundAddress: "127.0.0.1",
};

/** Writes a random change: of a definition, of presence, of a policy, of a mesh, or a deletion. */
export async function applyRandomChange(
  store: ResourceStore,
  random: Random,
  proxies: readonly string[] = PROXIES,
  places: RandomPlaces = ANYWHERE,
): Promise<void> {
  const where = random.pick(MESHES);
  const name = random.pick(proxies);
  if (random.chance(0.15)) return changePolicy(store, random, where, proxies);
  const kind = random.below(20);
  if (kind === 0) return remove(store, random.pick([mesh(where), dataplane(name, { mesh: where })]));
  if (kind === 1) return remove(store, presence(name, "healthy", { mesh: where }));
  if (kind === 2) return put(store, mesh(where, { networking: { outbound: { passthrough: random.chance(0.5) } } }));
  if (kind < 11) {
    const use = random.pick(["healthy", "healthy", "degraded", "withdrawn"] as const);
    const notReady = random.list(1, () => places.inboundPort + random.below(3));
    return put(store, presence(name, use, { mesh: where, notReady }));
  }
  return put(store, dataplane(name, randomDataplane(where, random, places)));
}

/** Makes, replaces or deletes one of four policies of a mesh. */
async function changePolicy(
  store: ResourceStore,
  random: Random,
  where: string,
  proxies: readonly string[],
): Promise<void> {
  const name = random.pick(["t0", "t1", "t2", "t3"]);
  const labels = random.chance(0.1) ? { "kuma.io/effect": "shadow" } : {};
  const draft = { ...timeout(name, randomTimeouts(random, proxies), labels), mesh: where };
  return random.chance(0.3) ? remove(store, draft) : put(store, draft);
}

function randomTimeouts(random: Random, proxies: readonly string[]): Readonly<Record<string, unknown>> {
  const targetRef = random.pick([
    { kind: "Mesh" },
    { kind: "Mesh", proxyTypes: ["Sidecar"] },
    { kind: "Mesh", proxyTypes: ["Gateway"] },
    { kind: "Dataplane", name: random.pick(proxies) },
    { kind: "Dataplane", labels: { team: random.pick(["a", "b"]) } },
    { kind: "MeshSubset", tags: { version: random.pick(["1", "2"]) } },
    { kind: "MeshService", name: random.pick(SERVICES) },
    { kind: "MeshServiceSubset", name: random.pick(SERVICES), tags: { "kuma.io/zone": "east" } },
  ]);
  const conf = () => ({ default: randomTimes(random) });
  if (random.chance(0.3)) {
    const section = targetRef.kind === "Dataplane" && random.chance(0.5) ? { sectionName: "80" } : {};
    return { targetRef: { ...targetRef, ...section }, rules: [conf(), ...random.list(1, conf)] };
  }
  const kinds = () => random.pick([{ kind: "Mesh" }, { kind: "MeshService", name: random.pick(SERVICES) }]);
  return {
    targetRef,
    to: [{ targetRef: kinds(), ...conf() }, ...random.list(2, () => ({ targetRef: kinds(), ...conf() }))],
    from: random.list(1, () => ({ targetRef: { kind: "Mesh" }, ...conf() })),
  };
}

/** The longest duration that is valid. */
const LONGEST = "2562047h";

function randomTimes(random: Random): Readonly<Record<string, unknown>> {
  const some = (names: readonly string[]) =>
    Object.fromEntries(
      names.filter(() => random.chance(0.4)).map((name) => [name, random.pick(["0s", "1ns", "250ms", "90s", LONGEST])]),
    );
  const http = {
    requestTimeout: "20s",
    ...some(["streamIdleTimeout", "maxStreamDuration", "maxConnectionDuration", "requestHeadersTimeout"]),
  };
  return {
    ...some(["idleTimeout"]),
    connectionTimeout: random.pick(["1s", "1ns", LONGEST]),
    ...(random.chance(0.6) ? { http } : {}),
  };
}

function randomDataplane(where: string, random: Random, places: RandomPlaces): DataplaneInit {
  return {
    mesh: where,
    address: random.pick(places.addresses),
    ...(random.chance(0.1) ? { advertisedAddress: random.pick(places.addresses) } : {}),
    labels: random.chance(0.3) ? { team: random.pick(["a", "b"]) } : {},
    inbound: random.list(3, () => ({
      ...(random.chance(0.9) ? { service: random.pick(SERVICES) } : {}),
      port: places.inboundPort + random.below(3),
      servicePort: 8080 + random.below(2),
      protocol: random.chance(0.7) ? "http" : random.pick(PROTOCOLS),
      tags: { "kuma.io/zone": random.pick(["east", "west"]), version: random.pick(["1", "2"]) },
      ...(random.chance(0.1) ? { health: { ready: random.chance(0.5) } } : {}),
      ...(random.chance(0.1) ? { state: random.pick(["Ready", "NotReady", "Ignored"] as const) } : {}),
      ...(random.chance(0.1) ? { serviceAddress: "192.168.9.9" } : {}),
    })),
    outbound: random.list(4, () => randomOutbound(random, places.outboundAddress)),
  };
}

function randomOutbound(random: Random, address: string): Outbound {
  const version = random.chance(0.2) ? { version: random.pick(["1", "2", "*"]) } : {};
  const tags = { "kuma.io/service": random.pick(SERVICES), ...version };
  return { address, port: 10_000 + random.below(6), tags };
}

async function put(store: ResourceStore, draft: ResourceDraft): Promise<void> {
  await store.put(draft);
}

async function remove(store: ResourceStore, draft: ResourceDraft): Promise<void> {
  if (await store.get(draft)) await store.delete(draft);
}
