import { MeshError } from "../../kernel/errors.ts";
import { keyText } from "../../model/resource.ts";
import { describeKey } from "../store-errors.ts";
import { deepFreeze } from "../stored-value.ts";
import type { StoredRecord } from "./resource-table.ts";

const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) > 0;
const isTime = (value: unknown) => Number.isFinite(value);

/** Freezes what was loaded; MM500 for what no commit can have kept (files are edited, disks fail). */
export function checkedRecords(records: Iterable<StoredRecord>, revision: number): StoredRecord[] {
  const seen = new Set<string>();
  return Array.from(records, (record) => {
    const { resource } = record;
    const { type, mesh, name, labels, spec, version, creationTime, modificationTime } = resource ?? {};
    const wrong = [
      typeof type === "string" && type !== "" ? undefined : "type",
      typeof mesh === "string" ? undefined : "mesh",
      typeof name === "string" && name !== "" ? undefined : "name",
      typeof labels === "object" && labels !== null ? undefined : "labels",
      spec === undefined ? "spec" : undefined,
      isCount(version) ? undefined : "version",
      isCount(resource?.revision) && resource.revision <= revision ? undefined : "revision",
      isTime(creationTime) ? undefined : "creationTime",
      isTime(modificationTime) ? undefined : "modificationTime",
    ].filter((field) => field !== undefined);
    if (wrong.length > 0) throw damagedRecord(record, `It has no usable ${wrong.join(", ")}.`);
    const key = keyText(resource);
    if (seen.has(key)) throw damagedRecord(record, "It is there twice.");
    seen.add(key);
    return deepFreeze(record);
  });
}

function damagedRecord({ resource }: StoredRecord, why: string): MeshError {
  const { type, mesh, name } = resource ?? {};
  return new MeshError("MM500", `the store gave back a resource that cannot be: ${describeKey({ type, mesh, name })}`, {
    why,
    todo: "Mend what the store keeps, or put back a copy.",
  });
}
