import { inboundsOf, reachableAddress } from "../model/dataplane/access.ts";
import type { DataplaneSpec } from "../model/dataplane/spec.ts";
import { DATAPLANE_PRESENCE, type PresenceSpec } from "../model/dataplane-presence.ts";
import { canonicalHost, isWildcard } from "../model/ip-address.ts";
import type { Resource } from "../model/resource.ts";
import { type ProxyId, proxyText } from "../push/snapshot.ts";
import type { Change } from "../store/resource-store.ts";

interface Entry {
  readonly proxy: ProxyId;
  record: Resource<PresenceSpec> | undefined;
  /** Revision at which the proxy became connected; a takeover by another sidecar of the name does not change it. */
  takenAt: number;
  /** `host:port` of each inbound as consumers reach it; undefined while there is no Dataplane. */
  addresses: readonly string[] | undefined;
  /** Revision at which `addresses` last changed. */
  addressedAt: number;
}

/** What changed about one record. */
export interface RecordChange {
  readonly proxy: ProxyId;
  readonly before: PresenceSpec | undefined;
  readonly after: PresenceSpec | undefined;
}

/** What this control plane knows of all presence records and of the addresses of Dataplanes, as its watch told it. */
export class PresenceIndex {
  readonly #entries = new Map<string, Entry>();
  readonly #connected = new Map<string, Set<string>>();
  readonly #byAddress = new Map<string, Set<Entry>>();
  readonly #open = new Map<string, Map<string, ProxyId>>();
  readonly #absent = new Map<string, ProxyId>();

  /** Takes in a change of the store; the result is undefined unless it concerned a record. */
  apply(change: Change): RecordChange | undefined {
    const { resource } = change;
    if (resource.type === "Dataplane") {
      this.#setAddresses(
        resource,
        change.op === "put" ? addressesOf(resource.spec as DataplaneSpec) : undefined,
        change,
      );
      return undefined;
    }
    if (resource.type !== DATAPLANE_PRESENCE) return undefined;
    return this.#setRecord(resource, change.op === "put" ? (resource as Resource<PresenceSpec>) : undefined);
  }

  record(proxy: ProxyId): Resource<PresenceSpec> | undefined {
    return this.#entries.get(proxyText(proxy))?.record;
  }

  hasDataplane(proxy: ProxyId): boolean {
    return this.#entries.get(proxyText(proxy))?.addresses !== undefined;
  }

  /** Names of the connected proxies of a mesh. */
  connected(mesh: string): ReadonlySet<string> {
    return this.#connected.get(mesh) ?? NONE;
  }

  /** Control planes that hold streams, as the records say. */
  instances(): Iterable<string> {
    return this.#open.keys();
  }

  /** Proxies whose stream the instance holds, as the records say. */
  openAt(instance: string): readonly ProxyId[] {
    return [...(this.#open.get(instance)?.values() ?? [])];
  }

  /** Proxies without a stream. */
  absent(): Iterable<ProxyId> {
    return this.#absent.values();
  }

  /**
   * A connected proxy of the mesh that has one of these addresses. `earlier`: only one that had it before this proxy;
   * of two that joined at the same time, exactly one sees the other so.
   */
  holderOf(proxy: ProxyId, dataplane: DataplaneSpec, which: "any" | "earlier"): Holder | undefined {
    const own = this.#entries.get(proxyText(proxy));
    for (const address of addressesOf(dataplane)) {
      for (const entry of this.#byAddress.get(`${proxy.mesh} ${address}`) ?? []) {
        if (entry.proxy.name === proxy.name || entry.record?.spec.state !== "connected") continue;
        if (which === "earlier" && own && claimedAt(entry) > claimedAt(own)) continue;
        return { proxy: entry.proxy, address, peer: entry.record.spec.peer };
      }
    }
    return undefined;
  }

  /** Everything that has a record. */
  *proxies(): Iterable<ProxyId> {
    for (const entry of this.#entries.values()) if (entry.record) yield entry.proxy;
  }

  #entry(proxy: ProxyId): Entry {
    const text = proxyText(proxy);
    const entry = this.#entries.get(text) ?? {
      proxy: { mesh: proxy.mesh, name: proxy.name },
      record: undefined,
      takenAt: 0,
      addresses: undefined,
      addressedAt: 0,
    };
    this.#entries.set(text, entry);
    return entry;
  }

  #setRecord(proxy: ProxyId, record: Resource<PresenceSpec> | undefined): RecordChange {
    const entry = this.#entry(proxy);
    const before = entry.record?.spec;
    const after = record?.spec;
    const text = proxyText(proxy);
    if (before) this.#unlist(text, entry.proxy, before);
    if (record?.spec.state === "connected" && before?.state !== "connected") entry.takenAt = record.revision;
    entry.record = record;
    if (after) this.#enlist(text, entry.proxy, after);
    this.#dropIfEmpty(text, entry);
    return { proxy: entry.proxy, before, after };
  }

  #enlist(text: string, proxy: ProxyId, spec: PresenceSpec): void {
    if (spec.state === "connected") inner(this.#connected, proxy.mesh, newSet).add(proxy.name);
    if (spec.open) inner(this.#open, spec.instance, newMap).set(text, proxy);
    else this.#absent.set(text, proxy);
  }

  #unlist(text: string, proxy: ProxyId, spec: PresenceSpec): void {
    if (spec.state === "connected") this.#connected.get(proxy.mesh)?.delete(proxy.name);
    const open = this.#open.get(spec.instance);
    open?.delete(text);
    if (open?.size === 0) this.#open.delete(spec.instance);
    this.#absent.delete(text);
  }

  #setAddresses(proxy: ProxyId, addresses: readonly string[] | undefined, change: Change): void {
    const entry = this.#entry(proxy);
    if (entry.addresses?.join() !== addresses?.join() || !entry.addresses !== !addresses) {
      for (const address of entry.addresses ?? []) {
        const key = `${proxy.mesh} ${address}`;
        const entries = this.#byAddress.get(key);
        entries?.delete(entry);
        if (entries?.size === 0) this.#byAddress.delete(key);
      }
      entry.addresses = addresses;
      entry.addressedAt = change.revision;
      for (const address of addresses ?? [])
        inner(this.#byAddress, `${proxy.mesh} ${address}`, newSet<Entry>).add(entry);
    }
    this.#dropIfEmpty(proxyText(proxy), entry);
  }

  #dropIfEmpty(text: string, entry: Entry): void {
    if (!entry.record && !entry.addresses) this.#entries.delete(text);
  }
}

/** Who has an address already. */
export interface Holder {
  readonly proxy: ProxyId;
  readonly address: string;
  readonly peer: string;
}

const NONE: ReadonlySet<string> = new Set();

/** The endpoint of each inbound as consumers reach it, in one spelling. A wildcard names no machine, so it cannot clash. */
export function addressesOf(dataplane: DataplaneSpec): readonly string[] {
  return inboundsOf(dataplane).flatMap((inbound) => {
    const host = reachableAddress(dataplane, inbound);
    return isWildcard(host) ? [] : [`${canonicalHost(host)}:${inbound.port}`];
  });
}

/** Revision at which the proxy had both its place and its address. */
function claimedAt(entry: Entry): number {
  return Math.max(entry.takenAt, entry.addressedAt);
}

function newSet<T = string>(): Set<T> {
  return new Set<T>();
}

function newMap(): Map<string, ProxyId> {
  return new Map<string, ProxyId>();
}

function inner<V>(map: Map<string, V>, key: string, make: () => V): V {
  const value = map.get(key) ?? make();
  map.set(key, value);
  return value;
}
