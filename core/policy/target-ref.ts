import { optional, type output } from "zod/mini";
import { list, message, text, textMap } from "../model/shape/fields.ts";

/** What a targetRef can name, from the least to the most specific: the order in which policies win (contract, section 9). */
export const TARGET_KINDS = [
  "Mesh",
  "Dataplane",
  "MeshSubset",
  "MeshGateway",
  "MeshService",
  "MeshExternalService",
  "MeshMultiZoneService",
  "MeshServiceSubset",
  "MeshHTTPRoute",
] as const;
export type TargetKind = (typeof TARGET_KINDS)[number];

export const PROXY_TYPES = ["Sidecar", "Gateway"] as const;
export type ProxyType = (typeof PROXY_TYPES)[number];

/** Texts are checked by `validateTargetRef`, which knows the place and so can say what it takes there. */
export const TargetRefShape = message({
  kind: text(),
  name: optional(text()),
  /** With MeshSubset, MeshServiceSubset and MeshGateway. */
  tags: optional(textMap()),
  mesh: optional(text()),
  /** With Mesh and MeshSubset: `Sidecar`, `Gateway`; absent means both. */
  proxyTypes: optional(list(text())),
  namespace: optional(text()),
  labels: optional(textMap()),
  /** An inbound of a Dataplane, or a port of a service. */
  sectionName: optional(text()),
});

export type TargetRef = output<typeof TargetRefShape>;

export const WHOLE_MESH: TargetRef = { kind: "Mesh" };

/** Position in `TARGET_KINDS`; -1 for a kind that does not exist. */
export function kindRank(kind: string): number {
  return (TARGET_KINDS as readonly string[]).indexOf(kind);
}
