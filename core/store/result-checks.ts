import type { Resource, ResourceKey } from "../model/resource.ts";
import { buildFilter } from "./list-query.ts";
import type { Change, JointPut, ListPage, ListQuery } from "./resource-store.ts";
import { describeKey } from "./store-errors.ts";
import { compareText } from "./text-order.ts";

/*
 * What can be seen of a broken store in one result, without asking it again. Each returns what is wrong as the end of a
 * sentence ("get returned no object"), or undefined.
 */

const isCount = (value: unknown, from: number) => Number.isSafeInteger(value) && (value as number) >= from;
const isOpen = (value: unknown) => typeof value === "object" && value !== null && !Object.isFrozen(value);

export function wrongResource(resource: Resource, asked: ResourceKey): string | undefined {
  if (typeof resource !== "object" || resource === null) return `returned ${String(resource)}, not a resource`;
  const { type, mesh, name, labels, spec, version, revision, creationTime, modificationTime } = resource;
  if (type !== asked.type || mesh !== asked.mesh || name !== asked.name) {
    return `returned ${describeKey({ type, mesh, name })} for ${describeKey(asked)}`;
  }
  const about = `returned ${describeKey(asked)}`;
  if (!isCount(version, 1)) return `${about} with the version ${String(version)}`;
  if (!isCount(revision, 1)) return `${about} with the revision ${String(revision)}`;
  if (!Number.isFinite(creationTime) || !Number.isFinite(modificationTime)) return `${about} without its times`;
  if (typeof labels !== "object" || labels === null) return `${about} without labels`;
  if (spec === undefined) return `${about} without spec`;
  if (isOpen(resource) || isOpen(labels) || isOpen(spec)) return `${about} unfrozen`;
  return undefined;
}

/** Of a put that expected a version. */
export function wrongPut(
  resource: Resource,
  asked: ResourceKey,
  expectedVersion: number | undefined,
): string | undefined {
  const expected = expectedVersion === undefined ? undefined : expectedVersion + 1;
  const version = resource?.version;
  if (expected !== undefined && version !== expected) return `returned version ${version}, not ${expected}`;
  return wrongResource(resource, asked);
}

export function wrongPuts(resources: readonly Resource[], puts: readonly JointPut[]): string | undefined {
  if (!Array.isArray(resources) || resources.length !== puts.length)
    return `returned no list of ${puts.length} resources`;
  for (const [at, { draft, expectedVersion }] of puts.entries()) {
    const wrong = wrongPut(resources[at], draft, expectedVersion);
    if (wrong) return wrong;
    if (resources[at].revision !== resources[0].revision + at) return "returned revisions that are not consecutive";
  }
  return undefined;
}

export function wrongPage(page: ListPage, type: string, query: ListQuery): string | undefined {
  if (typeof page !== "object" || page === null || !Array.isArray(page.items)) return "returned no page with items";
  const { items, total, next, revision } = page;
  if (!isCount(total, items.length)) return `returned ${items.length} items and the total ${String(total)}`;
  if (next !== undefined && typeof next !== "string") return `returned ${typeof next} as next`;
  if (!isCount(revision, 0)) return `returned the revision ${String(revision)}`;
  if (query.limit !== undefined && items.length > query.limit) return `returned more than ${query.limit} items`;
  const filter = buildFilter(query);
  let before: Resource | undefined;
  for (const item of items) {
    const wrong = wrongResource(item, { type, mesh: query.mesh ?? item?.mesh, name: item?.name });
    if (wrong) return wrong;
    if (filter && !filter(item.name, () => item.labels)) return `returned ${describeKey(item)}, which was filtered out`;
    if (before && !isBefore(before, item)) return `returned ${describeKey(item)} out of order`;
    before = item;
  }
  return undefined;
}

/** Whether a batch of a watch goes on after revision `at`. */
export function wrongChange(batch: readonly Change[], at: number): string | undefined {
  if (!Array.isArray(batch) || batch.length === 0) return "gave a batch without changes";
  let expected = at;
  for (const change of batch) {
    expected++;
    if (typeof change !== "object" || change === null) return "gave a change that is no object";
    const { revision, op, resource } = change;
    if (revision !== expected) return `gave change ${String(revision)} where ${expected} follows`;
    if (op !== "put" && op !== "delete") return `gave a change that is ${String(op)}, neither put nor delete`;
    const wrong = wrongResource(resource, { type: resource?.type, mesh: resource?.mesh, name: resource?.name });
    if (wrong) return wrong.replace(/^returned/, "gave");
  }
  return undefined;
}

function isBefore(a: ResourceKey, b: ResourceKey): boolean {
  const meshes = compareText(a.mesh, b.mesh);
  return meshes < 0 || (meshes === 0 && compareText(a.name, b.name) < 0);
}
