import { MeshError } from "../../core/kernel/errors.ts";
import { nearest } from "../../core/kernel/nearest.ts";
import type { ResourceType } from "../../core/model/resource-type.ts";

/** The words a user may say for a type: `dataplanes`, `dataplane`, `Dataplane`, `dp`, `global-secret`. */
export function typeWords(type: ResourceType): string[] {
  const kebab = type.name.replace(/([a-z])([A-Z])/g, "$1-$2").toLowerCase();
  return [type.path, ...type.pathAliases, kebab, `${kebab}s`, type.name.toLowerCase(), type.shortName];
}

export function findType(types: readonly ResourceType[], word: string): ResourceType {
  const visible = types.filter((type) => !type.internal);
  const found = visible.find((type) => typeWords(type).includes(word.toLowerCase()));
  if (found) return found;
  const close = nearest(
    word,
    visible.flatMap((type) => [type.path, type.name.toLowerCase()]),
  );
  throw new MeshError("MM100", `there is no resource type "${word}"`, {
    todo: `${close ? `Did you mean ${close}? ` : ""}Known: ${visible.map((type) => type.path).join(", ")}.`,
  });
}

export function collectionPath(type: ResourceType, mesh: string): string {
  return type.scope === "Mesh" ? `/meshes/${encodeURIComponent(mesh)}/${type.path}` : `/${type.path}`;
}

export function itemPath(type: ResourceType, mesh: string, name: string): string {
  return `${collectionPath(type, mesh)}/${encodeURIComponent(name)}`;
}
