import type { EncodedResource, XdsType } from "../envoy/encoded-resource.ts";
import type { PushedProxy } from "./pushed-proxy.ts";
import type { SharedResource, SharedResources } from "./shared-resources.ts";

/** Resources of one type as some proxies need them. Proxies that need the same ones share the set, and so its map. */
export class ResourceSet {
  readonly key: string;
  /** Sorted by name. */
  readonly resources: readonly SharedResource[];
  readonly users = new Set<PushedProxy>();
  #map: ReadonlyMap<string, EncodedResource>;
  #stale = false;

  constructor(key: string, resources: readonly SharedResource[]) {
    this.key = key;
    this.resources = resources;
    this.#map = mapOf(resources);
  }

  /** Something in it may have changed. */
  touch(): void {
    this.#stale = true;
  }

  /** Name to encoding; the same map as long as nothing in it changed. */
  current(): ReadonlyMap<string, EncodedResource> {
    if (!this.#stale) return this.#map;
    this.#stale = false;
    if (this.resources.some((resource) => this.#map.get(resource.name) !== resource.current())) {
      this.#map = mapOf(this.resources);
    }
    return this.#map;
  }
}

/** All sets in use. */
export class ResourceSets {
  readonly #shared: SharedResources;
  readonly #sets = new Map<string, ResourceSet>();

  constructor(shared: SharedResources) {
    this.#shared = shared;
  }

  get size(): number {
    return this.#sets.size;
  }

  /** Makes `user` a user of the set of these resources, which the caller has taken; the set releases them from now on. */
  enter(type: XdsType, resources: readonly SharedResource[], user: PushedProxy): ResourceSet {
    const sorted = resources.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const key = `${type} ${sorted.map(({ id }) => id).join()}`;
    let set = this.#sets.get(key);
    if (set) {
      for (const resource of resources) this.#shared.release(resource);
    } else {
      set = new ResourceSet(key, sorted);
      this.#sets.set(key, set);
      this.#shared.join(set);
    }
    set.users.add(user);
    return set;
  }

  /** Takes a user off; the last one frees the set. */
  leave(set: ResourceSet, user: PushedProxy): void {
    set.users.delete(user);
    if (set.users.size > 0) return;
    this.#sets.delete(set.key);
    this.#shared.part(set);
  }
}

function mapOf(resources: readonly SharedResource[]): ReadonlyMap<string, EncodedResource> {
  return new Map(resources.map((resource) => [resource.name, resource.current()]));
}
