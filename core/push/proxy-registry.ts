import type { MeshView } from "../view/mesh-view.ts";
import { PushedProxy } from "./pushed-proxy.ts";
import type { ResourceSets } from "./resource-set.ts";
import type { ProxyId } from "./snapshot.ts";

/** The proxies that somebody subscribed to. */
export class ProxyRegistry {
  readonly #sets: ResourceSets;
  readonly #meshes = new Map<string, Map<string, PushedProxy>>();
  #size = 0;

  constructor(sets: ResourceSets) {
    this.#sets = sets;
  }

  get size(): number {
    return this.#size;
  }

  get({ mesh, name }: ProxyId): PushedProxy | undefined {
    return this.#meshes.get(mesh)?.get(name);
  }

  ofMesh(mesh: string): Iterable<PushedProxy> {
    return this.#meshes.get(mesh)?.values() ?? [];
  }

  /** Those with an outbound to a service. */
  *consumers(view: MeshView, service: string): Iterable<PushedProxy> {
    const proxies = this.#meshes.get(view.mesh);
    for (const name of view.services.get(service)?.consumers ?? []) {
      const proxy = proxies?.get(name);
      if (proxy) yield proxy;
    }
  }

  enter(id: ProxyId): PushedProxy {
    const proxies = this.#meshes.get(id.mesh) ?? new Map<string, PushedProxy>();
    this.#meshes.set(id.mesh, proxies);
    const known = proxies.get(id.name);
    if (known) return known;
    const proxy = new PushedProxy(id, this.#sets);
    proxies.set(id.name, proxy);
    this.#size++;
    return proxy;
  }

  /** Forgets a proxy without subscribers and frees what it used. */
  leave(proxy: PushedProxy): void {
    const { mesh, name } = proxy.id;
    const proxies = this.#meshes.get(mesh);
    if (proxies?.get(name) !== proxy) return;
    proxies.delete(name);
    if (proxies.size === 0) this.#meshes.delete(mesh);
    this.#size--;
    proxy.release();
  }
}
