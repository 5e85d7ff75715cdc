import type { XdsType } from "../envoy/encoded-resource.ts";
import type { PushedProxy } from "./pushed-proxy.ts";
import { ResourceList } from "./resource-list.ts";
import type { SharedResource, SharedResources } from "./shared-resources.ts";

/** Resources of one type as some proxies need them. Proxies that need the same ones share the set, and so its list. */
export class ResourceSet {
  readonly key: string;
  /** Sorted by name. */
  readonly resources: readonly SharedResource[];
  readonly users = new Set<PushedProxy>();
  /** The same, but of those with one name only the last. */
  readonly #listed: readonly SharedResource[];
  #list: ResourceList;
  #stale = false;

  constructor(key: string, resources: readonly SharedResource[]) {
    this.key = key;
    this.resources = resources;
    const listed = resources.filter(({ name }, at) => resources[at + 1]?.name !== name);
    this.#listed = listed.length === resources.length ? resources : listed;
    this.#list = new ResourceList(
      listed.map(({ name }) => name),
      listed.map((resource) => resource.current()),
    );
  }

  /** Something in it may have changed. */
  touch(): void {
    this.#stale = true;
  }

  /** The encodings; the same list as long as nothing in it changed. */
  current(): ResourceList {
    if (!this.#stale) return this.#list;
    this.#stale = false;
    const now = this.#listed.map((resource) => resource.current());
    if (now.some((resource, at) => resource !== this.#list.at(at)))
      this.#list = new ResourceList(this.#list.names, now);
    return this.#list;
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
