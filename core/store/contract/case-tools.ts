import assert from "node:assert/strict";
import type { ErrorCode } from "../../kernel/error-table.ts";
import { MeshError } from "../../kernel/errors.ts";
import type { Resource, ResourceDraft, ResourceKey } from "../../model/resource.ts";
import type { Change, ListQuery, ResourceStore } from "../resource-store.ts";
import { TWIN } from "./write-and-tell.ts";

export const MESH: ResourceDraft = { type: "Mesh", mesh: "", name: "default", labels: {}, spec: {} };

/** A Dataplane draft of mesh `default`, or whatever `parts` say instead. */
export function draft(name: string, parts: Partial<ResourceDraft> = {}): ResourceDraft {
  return { type: "Dataplane", mesh: "default", name, labels: {}, spec: { name }, ...parts };
}

export function keyOf(resource: ResourceKey): ResourceKey {
  return { type: resource.type, mesh: resource.mesh, name: resource.name };
}

/** `put default/a 3`: enough of a change to compare sequences by eye. */
export function changeText(change: Change): string {
  return `${change.revision} ${change.op} ${change.resource.type} ${change.resource.name} v${change.resource.version}`;
}

export async function rejects(code: ErrorCode, promise: Promise<unknown>): Promise<void> {
  await assert.rejects(promise, (error: unknown) => {
    assert.ok(error instanceof MeshError, `expected a MeshError ${code}, got ${String(error)}`);
    assert.equal(error.code, code, error.message);
    return true;
  });
}

/** Collects the changes after `revision` until one with the revision `last` came. */
export async function changesUpTo(
  store: ResourceStore,
  revision: number,
  last: number,
  signal: AbortSignal,
): Promise<Change[]> {
  const seen: Change[] = [];
  if (revision >= last) return seen;
  for await (const batch of store.watch(revision, signal)) {
    assert.ok(batch.length > 0, "a batch of a watch must not be empty");
    seen.push(...batch);
    if ((seen.at(-1)?.revision ?? 0) >= last) return seen;
  }
  return assert.fail(`the watch ended after ${seen.length} changes, before revision ${last}`);
}

/** Fails unless the changes are exactly the revisions from `first` to `last`. */
export function assertGapless(changes: readonly Change[], first: number, last: number): void {
  assert.equal(changes.length, last - first + 1, `changes from ${first} to ${last}`);
  changes.forEach((change, at) => {
    assert.equal(change.revision, first + at);
  });
}

/** Applies changes to a picture by key, as a consumer of the store does. */
export function applyChanges(picture: Map<string, Resource>, changes: readonly Change[]): void {
  for (const { op, resource } of changes) {
    const key = JSON.stringify(keyOf(resource));
    if (op === "put") picture.set(key, resource);
    else picture.delete(key);
  }
}

/** All items of a list, page by page. */
export async function listPages(store: ResourceStore, type: string, query: ListQuery): Promise<Resource[]> {
  const items: Resource[] = [];
  let after: string | undefined;
  do {
    const page = await store.list(type, { ...query, after });
    items.push(...page.items);
    after = page.next;
  } while (after !== undefined);
  return items;
}

export function namesOf(items: readonly ResourceKey[]): string[] {
  return items.map((item) => item.name);
}

/** Fails when something inside can still be changed. */
export function assertFrozen(value: unknown, path: string): void {
  if (typeof value !== "object" || value === null) return;
  assert.ok(Object.isFrozen(value), `${path} is not frozen`);
  for (const [key, inner] of Object.entries(value)) assertFrozen(inner, `${path}.${key}`);
}

/** Fails unless the store has every version that `writeAndTell` was answered, and one revision for each write; returns its revision. */
export async function assertNothingLost(
  store: ResourceStore,
  answered: ReadonlyMap<string, number>,
  before: number,
): Promise<number> {
  assert.ok(answered.size > 0, "nothing was answered before the kill");
  const { items, revision } = await store.list("Dataplane");
  const versions = new Map(items.map((item) => [item.name, item.version]));
  for (const [name, version] of answered) {
    assert.ok((versions.get(name) ?? 0) >= version, `${name}: version ${version} was answered`);
  }
  // Also for those that were committed and not answered any more.
  assert.equal(
    items.reduce((sum, item) => sum + 2 * item.version, 0),
    revision,
    "one put is one revision",
  );
  const twins = await store.list(TWIN);
  assert.deepEqual(
    twins.items.map(({ name, version }) => [name, version]),
    [...versions],
    "a pair is written as a whole",
  );
  assert.ok(revision > before);
  return revision;
}
