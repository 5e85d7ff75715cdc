import { MeshError } from "../kernel/errors.ts";
import type { ProxyId } from "../push/snapshot.ts";

/** `<mesh>.<name>`, split at the first dot: names may contain dots, meshes with sidecars may not (contract, section 3.4). */
export function parseNodeId(id: string): ProxyId {
  const dot = id.indexOf(".");
  const proxy = { mesh: id.slice(0, Math.max(0, dot)), name: id.slice(dot + 1) };
  if (dot > 0 && proxy.name !== "") return proxy;
  if (dot === 0) {
    throw new MeshError("MM700", `node id "${id}" belongs to no mesh`, {
      why: "Zone ingress and zone egress are not served by this control plane",
    });
  }
  throw new MeshError("MM700", `node id "${id}" is not of the form <mesh>.<name>`, {
    todo: "Start the proxy through monomesh dp run or kuma-dp run",
  });
}
