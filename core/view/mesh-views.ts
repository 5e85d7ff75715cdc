import { keyText, type Resource } from "../model/resource.ts";
import type { Change } from "../store/resource-store.ts";
import type { Endpoint } from "./endpoint.ts";
import { createMeshView, type Dirt, isEmpty, type MeshView } from "./mesh-view.ts";
import { reducePolicy } from "./policies.ts";
import { meshOfChange, reduce } from "./reduce.ts";

const NO_ENDPOINTS: readonly Endpoint[] = [];

/** The views of all meshes. A view begins with the first resource of its mesh and ends with the last. */
export class MeshViews {
  readonly #policyTypes: ReadonlySet<string>;
  readonly #views = new Map<string, MeshView>();

  /** `policyTypes`: names of the resource types that are policies. */
  constructor(policyTypes: Iterable<string> = []) {
    this.#policyTypes = new Set(policyTypes);
  }

  get size(): number {
    return this.#views.size;
  }

  get(mesh: string): MeshView | undefined {
    return this.#views.get(mesh);
  }

  values(): Iterable<MeshView> {
    return this.#views.values();
  }

  endpoints(mesh: string, service: string): readonly Endpoint[] {
    return this.#views.get(mesh)?.services.get(service)?.endpoints ?? NO_ENDPOINTS;
  }

  /** Reduces a change into its view; undefined if it is of no interest. */
  reduce(change: Change): { readonly view: MeshView; readonly dirt: readonly Dirt[] } | undefined {
    const isPolicy = this.#policyTypes.has(change.resource.type);
    const mesh = isPolicy ? change.resource.mesh : meshOfChange(change);
    if (mesh === undefined) return undefined;
    const known = this.#views.get(mesh);
    if (!known && change.op === "delete") return undefined;
    const view = known ?? createMeshView(mesh);
    const dirt = isPolicy ? reducePolicy(view, change) : reduce(view, change);
    if (isEmpty(view)) this.#views.delete(mesh);
    else this.#views.set(mesh, view);
    return { view, dirt };
  }

  /** Deletions, as of `revision`, of everything that is here but not in the list. */
  missing(listed: readonly Resource[], revision: number): Change[] {
    const keys = new Set(listed.map(keyText));
    const mine = [...this.#views.values()].flatMap((view) => [
      view.resource,
      ...[...view.policies.values()].flatMap((policies) => [...policies.values()]),
      ...[...view.proxies.values()].flatMap(({ dataplane, presence }) => [presence, dataplane]),
    ]);
    return mine
      .filter((resource) => resource !== undefined)
      .filter((resource) => !keys.has(keyText(resource)) && resource.revision <= revision)
      .map((resource) => ({ revision, op: "delete", resource }));
  }
}
