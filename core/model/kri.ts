import type { ResourceKey } from "./resource.ts";
import type { ResourceType } from "./resource-type.ts";

/** The parts of a KRI, Kuma's one-line identifier of a resource. Parts that do not apply are empty. */
export interface Kri {
  readonly shortName: string;
  readonly mesh: string;
  readonly zone: string;
  readonly namespace: string;
  readonly name: string;
  /** A part of the resource, such as an inbound. */
  readonly section: string;
}

/** Writes `kri_<shortName>_<mesh>_<zone>_<namespace>_<name>_<section>` (contract, section 7.1). */
export function kriText(kri: Kri): string {
  return `kri_${kri.shortName}_${kri.mesh}_${kri.zone}_${kri.namespace}_${kri.name}_${kri.section}`;
}

/** The KRI of a whole resource. The zone is that of its label; types that belong to no zone have none. */
export function buildKri(
  type: Pick<ResourceType, "shortName">,
  resource: Pick<ResourceKey, "mesh" | "name"> & { readonly labels: Readonly<Record<string, string>> },
): string {
  return kriText({
    shortName: type.shortName,
    mesh: resource.mesh,
    zone: resource.labels["kuma.io/zone"] ?? "",
    namespace: "",
    name: resource.name,
    section: "",
  });
}

/** Reads a KRI; undefined when the text is none. A mesh name may hold underscores, so the parts are counted from the end. */
export function parseKri(text: string): Kri | undefined {
  const parts = text.split("_");
  const [prefix, shortName, ...rest] = parts;
  if (prefix !== "kri" || shortName === undefined || rest.length < 5) return undefined;
  const [zone, namespace, name, section] = rest.slice(-4) as [string, string, string, string];
  return { shortName, mesh: rest.slice(0, -4).join("_"), zone, namespace, name, section };
}
