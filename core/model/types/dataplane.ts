import { DataplaneShape, type DataplaneSpec } from "../dataplane/spec.ts";
import { validateDataplane } from "../dataplane/validate.ts";
import { defineResourceType } from "../resource-type.ts";
import { toProtoJson } from "../shape/proto-json.ts";
import { readShape } from "../shape/read-shape.ts";

export * from "../dataplane/access.ts";
export * from "../dataplane/probes.ts";
export type * from "../dataplane/spec.ts";

export const DATAPLANE = "Dataplane";

/** A proxy beside an application: its addresses, what it serves and what it consumes (contract, sections 8.2 and 8.3). */
export const dataplaneType = defineResourceType<DataplaneSpec>({
  name: DATAPLANE,
  path: "dataplanes",
  pathAliases: [],
  scope: "Mesh",
  shortName: "dp",
  singularDisplayName: "Dataplane",
  pluralDisplayName: "Dataplanes",
  readOnly: false,
  adminOnly: false,
  internal: false,
  includeInFederation: false,
  layout: "inline",
  parse: (json) => readShape(DataplaneShape, json),
  toJson: (spec) => toProtoJson(DataplaneShape, spec),
  validate: (draft) => validateDataplane(draft.spec),
});
