import type { Resource, ResourceKey } from "../model/resource.ts";
import type { Change } from "./resource-store.ts";
import { deepFreeze } from "./stored-value.ts";

/** A resource as the tables of a SQL store have it; labels and spec are JSON. */
export interface ResourceRow extends ResourceKey {
  readonly version: number;
  readonly revision: number;
  readonly created: number;
  readonly modified: number;
  readonly labels: string;
  readonly spec: string;
}

export const RESOURCE_COLUMNS = "type, mesh, name, version, revision, created, modified, labels, spec";

export interface ChangeRow extends ResourceRow {
  readonly change: number;
  readonly op: "put" | "delete";
}

export function buildResource(row: ResourceRow): Resource {
  return Object.freeze({
    type: row.type,
    mesh: row.mesh,
    name: row.name,
    labels: row.labels === "{}" ? NO_LABELS : deepFreeze(JSON.parse(row.labels)),
    spec: deepFreeze(JSON.parse(row.spec)),
    creationTime: row.created,
    modificationTime: row.modified,
    version: row.version,
    revision: row.revision,
  });
}

export function buildChange(row: ChangeRow): Change {
  return Object.freeze({ revision: row.change, op: row.op, resource: buildResource(row) });
}

const NO_LABELS: Readonly<Record<string, string>> = Object.freeze({});
