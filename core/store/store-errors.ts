import { MeshError } from "../kernel/errors.ts";
import type { ResourceKey } from "../model/resource.ts";

/** `Dataplane "web-1" of mesh "default"`, `Mesh "default"`. */
export function describeKey(key: ResourceKey): string {
  return key.mesh === "" ? `${key.type} "${key.name}"` : `${key.type} "${key.name}" of mesh "${key.mesh}"`;
}

/** MM404: nothing is stored under the key. */
export function notFound(key: ResourceKey): MeshError {
  return new MeshError("MM404", `${describeKey(key)} does not exist`);
}

/** MM404: the owner named by a put is not stored. */
export function ownerNotFound(key: ResourceKey, owner: ResourceKey): MeshError {
  return new MeshError("MM404", `${describeKey(owner)} does not exist`, {
    why: `It was to own ${describeKey(key)}, which was not stored.`,
  });
}

/** MM400: the owner is the resource itself or owned by it. */
export function ownerCycle(key: ResourceKey, owner: ResourceKey): MeshError {
  return new MeshError("MM400", `${describeKey(owner)} cannot own ${describeKey(key)}`, {
    why: "A resource cannot own itself, directly or through others.",
  });
}

/** MM409; `actual` is 0 when nothing is stored. */
export function conflict(key: ResourceKey, expected: number, actual: number): MeshError {
  if (expected === 0) return new MeshError("MM409", `${describeKey(key)} exists already`);
  return new MeshError("MM409", `${describeKey(key)} was ${actual === 0 ? "deleted" : "changed"} meanwhile`, {
    why: `Version ${expected} was expected, ${actual === 0 ? "none" : `version ${actual}`} is stored.`,
    todo: "Read it again and repeat the change.",
  });
}

/** MM511: the epoch moved on. */
export function fenced(key: ResourceKey, expected: number, actual: number): MeshError {
  return new MeshError("MM511", `${describeKey(key)} has a newer owner`, {
    why: `The write was made for epoch ${expected}, the key is at ${actual}.`,
  });
}

/** MM510: `oldest` is the first change that is still kept, if any is. */
export function revisionGone(revision: number, oldest: number | undefined, newest: number): MeshError {
  const why =
    revision > newest
      ? `The store is at revision ${newest} only; it was replaced or restored.`
      : oldest === undefined
        ? "No older changes are kept."
        : `The oldest change that is kept is ${oldest}.`;
  return new MeshError("MM510", `changes since revision ${revision} cannot be given`, { why, todo: "List again." });
}

/** MM503: used after close. */
export function storeClosed(): MeshError {
  return new MeshError("MM503", "the store is closed");
}
