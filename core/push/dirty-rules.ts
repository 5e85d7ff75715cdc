import { concernsProxy } from "../policy/policy-catalogue.ts";
import type { Dirt, MeshView } from "../view/mesh-view.ts";
import type { ProxyRegistry } from "./proxy-registry.ts";
import type { PushedProxy } from "./pushed-proxy.ts";
import type { SharedResources } from "./shared-resources.ts";

/** Where the rules look for whom a change concerns. */
export interface DirtyIndex {
  readonly proxies: ProxyRegistry;
  readonly shared: SharedResources;
}

/** What a change means for a proxy that it concerns. */
export interface Concern {
  readonly needsPlan: boolean;
  /** It loses nothing if it hears of it late. */
  readonly canWait: boolean;
}

const PLAN: Concern = { needsPlan: true, canWait: false };

/**
 * The dirty rules (docs/engine.md, "What dirties what"): calls back for each proxy that a change can concern, and says what
 * it means for it. Endpoints alone need no plan: the lists that hold them are marked, and built when the first proxy asks.
 */
export function spreadDirt(
  { proxies, shared }: DirtyIndex,
  view: MeshView,
  dirt: Dirt,
  mark: (proxy: PushedProxy, concern: Concern) => void,
): void {
  switch (dirt.kind) {
    case "endpoints": {
      const concern = { needsPlan: false, canWait: !dirt.lost };
      shared.touch(view.mesh, dirt.service, (set) => {
        set.touch();
        for (const proxy of set.users) mark(proxy, concern);
      });
      return;
    }
    case "protocol":
      for (const proxy of proxies.consumers(view, dirt.service)) mark(proxy, PLAN);
      return;
    case "proxy": {
      const proxy = proxies.get({ mesh: view.mesh, name: dirt.proxy });
      if (proxy) mark(proxy, PLAN);
      return;
    }
    case "mesh":
      for (const proxy of proxies.ofMesh(view.mesh)) mark(proxy, PLAN);
      return;
    case "policy":
      for (const proxy of proxies.ofMesh(view.mesh)) {
        const dataplane = view.proxies.get(proxy.id.name)?.dataplane;
        if (dataplane && concernsProxy(dirt, dataplane)) mark(proxy, PLAN);
      }
      return;
    case "host":
      // Concerns the resolver only; its answer arrives as dirt of its own.
      return;
  }
}
