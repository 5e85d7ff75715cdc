import { MeshShape, type MeshSpec } from "../mesh/spec.ts";
import { validateMesh } from "../mesh/validate.ts";
import { defineResourceType } from "../resource-type.ts";
import { toProtoJson } from "../shape/proto-json.ts";
import { readShape } from "../shape/read-shape.ts";

export type { MeshSpec } from "../mesh/spec.ts";

export const MESH = "Mesh";

/** Sections that Kuma acts on and this version only keeps. */
const WITHOUT_EFFECT = ["tracing", "logging", "metrics", "networking", "routing", "meshServices"] as const;

/** A mesh: the space in which Dataplanes know each other (contract, section 8.4). */
export const meshType = defineResourceType<MeshSpec>({
  name: MESH,
  path: "meshes",
  pathAliases: [],
  scope: "Global",
  shortName: "m",
  singularDisplayName: "Mesh",
  pluralDisplayName: "Meshes",
  readOnly: false,
  adminOnly: false,
  internal: false,
  includeInFederation: true,
  layout: "inline",
  parse: (json) => readShape(MeshShape, json),
  toJson: (spec) => toProtoJson(MeshShape, spec),
  validate: (draft) => validateMesh(draft.name, draft.spec),
  warnings: (draft) =>
    WITHOUT_EFFECT.filter((section) => draft.spec[section] !== undefined).map(
      (section) => `${section} is stored but has no effect in this version`,
    ),
});
