import { hash } from "node:crypto";
import type { EncodedResource, XdsType } from "../envoy/encoded-resource.ts";
import type { ResourceInput } from "../envoy/inputs.ts";
import { buildLoadAssignment } from "../envoy/load-assignment.ts";
import type { BuildResource } from "../envoy/load-builders.ts";
import type { Endpoint } from "../view/endpoint.ts";
import type { PlannedAssignment } from "./outbound-plan.ts";
import type { ResourceSet } from "./resource-set.ts";

/** One resource that proxies share. Whoever takes it releases it; at the last release it is forgotten. */
export interface SharedResource {
  /** Unique while the process runs. */
  readonly id: number;
  readonly key: string;
  readonly type: XdsType;
  readonly name: string;
  users: number;
  /** The present encoding; the same object as long as the content is the same. */
  current(): EncodedResource;
}

/** A resource that follows the endpoints of its service. */
interface SharedAssignment extends SharedResource {
  readonly service: string;
  /** The sets it is part of. */
  readonly sets: Set<ResourceSet>;
  stale: boolean;
}

/** Counts for `/metrics`. */
export interface SharedStats {
  /** Resources kept now, by type. */
  readonly kept: Readonly<Record<XdsType, number>>;
  /** Resources built since the start. */
  readonly built: number;
  /** Times that a resource was needed and already there. */
  readonly shared: number;
}

/** Every resource that some proxy needs, built and encoded once for all of them, under its inputs as the key. */
export class SharedResources {
  readonly #resources = new Map<string, SharedResource>();
  /** Inputs that proxies are given as the very same object need not be looked at again. */
  readonly #byInput = new WeakMap<ResourceInput, SharedResource>();
  readonly #assignments = new Map<string, Set<SharedAssignment>>();
  readonly #endpoints: (mesh: string, service: string) => readonly Endpoint[];
  #lastId = 0;
  #built = 0;
  #shared = 0;

  /** `endpoints`: those of a service as they are now. */
  constructor(endpoints: (mesh: string, service: string) => readonly Endpoint[]) {
    this.#endpoints = endpoints;
  }

  /** Takes a resource, building it if nobody has it yet. */
  take(input: ResourceInput, build: BuildResource): SharedResource {
    const same = this.#byInput.get(input);
    if (same && same.users > 0) return this.#share(same);
    const key = hash("sha256", JSON.stringify(input), "base64");
    const resource =
      this.#known(key) ??
      this.#add(
        key,
        this.#build(() => build(input)),
      );
    this.#byInput.set(input, resource);
    return resource;
  }

  /** Takes the ClusterLoadAssignment of a cluster, as a resource that follows the endpoints of its service. */
  takeAssignment(mesh: string, { cluster, service, subset }: PlannedAssignment): SharedResource {
    const key = `${mesh}/${cluster}`;
    const known = this.#known(key);
    if (known) return known;
    const build = () => buildLoadAssignment(cluster, this.#endpoints(mesh, service), subset);
    let resource = this.#build(build);
    const shared: SharedAssignment = Object.assign(this.#add(key, resource), {
      service: `${mesh}/${service}`,
      sets: new Set<ResourceSet>(),
      stale: false,
      current: () => {
        if (!shared.stale) return resource;
        shared.stale = false;
        const next = this.#build(build);
        if (next.version !== resource.version) resource = next;
        return resource;
      },
    });
    const ofService = this.#assignments.get(shared.service);
    if (ofService) ofService.add(shared);
    else this.#assignments.set(shared.service, new Set([shared]));
    return shared;
  }

  /** The endpoints of a service changed: what holds them is built anew when it is next asked for. Calls back for each set concerned. */
  touch(mesh: string, service: string, onSet: (set: ResourceSet) => void): void {
    for (const assignment of this.#assignments.get(`${mesh}/${service}`) ?? []) {
      assignment.stale = true;
      for (const set of assignment.sets) onSet(set);
    }
  }

  /** Makes a set hear when its resources change. */
  join(set: ResourceSet): void {
    for (const resource of set.resources) if (isAssignment(resource)) resource.sets.add(set);
  }

  /** Takes a set off its resources and releases them. */
  part(set: ResourceSet): void {
    for (const resource of set.resources) {
      if (isAssignment(resource)) resource.sets.delete(set);
      this.release(resource);
    }
  }

  release(resource: SharedResource): void {
    if (--resource.users > 0) return;
    this.#resources.delete(resource.key);
    if (!isAssignment(resource)) return;
    const ofService = this.#assignments.get(resource.service);
    ofService?.delete(resource);
    if (ofService?.size === 0) this.#assignments.delete(resource.service);
  }

  stats(): SharedStats {
    const kept = { cluster: 0, endpoint: 0, secret: 0, listener: 0, route: 0 };
    for (const { type } of this.#resources.values()) kept[type]++;
    return { kept, built: this.#built, shared: this.#shared };
  }

  #known(key: string): SharedResource | undefined {
    const resource = this.#resources.get(key);
    return resource && this.#share(resource);
  }

  #share(resource: SharedResource): SharedResource {
    resource.users++;
    this.#shared++;
    return resource;
  }

  #add(key: string, encoded: EncodedResource): SharedResource {
    const { type, name } = encoded;
    const id = ++this.#lastId;
    const resource: SharedResource = { id, key, type, name, users: 1, current: () => encoded };
    this.#resources.set(key, resource);
    return resource;
  }

  #build(build: () => EncodedResource): EncodedResource {
    this.#built++;
    return build();
  }
}

function isAssignment(resource: SharedResource): resource is SharedAssignment {
  return resource.type === "endpoint";
}
