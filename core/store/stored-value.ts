import { MeshError } from "../kernel/errors.ts";
import type { ResourceDraft, ResourceKey } from "../model/resource.ts";
import type { JointPut } from "./resource-store.ts";
import { describeKey } from "./store-errors.ts";

/** Deeper specs are refused: nobody writes them by hand, and recursion over them must not exhaust the stack. */
const DEEPEST = 200;

/**
 * The draft as a store may keep it: copied, deeply frozen, and JSON in spec and labels, so that it is the same whether it
 * goes through a file or stays in memory. What JSON cannot express is refused with MM400 and the field's path;
 * properties that are `undefined` are left out, `toJSON` is honoured.
 */
export function storable(draft: ResourceDraft): ResourceDraft {
  checkKey(draft);
  const { type, mesh, name } = draft;
  const labels: Record<string, string> = {};
  for (const [label, value] of Object.entries(draft.labels)) {
    if (typeof value !== "string") throw refused(draft, `labels["${label}"]`, "must be a string");
    define(labels, label, value);
  }
  return { type, mesh, name, labels: Object.freeze(labels), spec: frozenCopy(draft, draft.spec, "spec", 0) };
}

/** `storable` for each of the drafts. */
export function storablePuts(puts: readonly JointPut[]): readonly JointPut[] {
  return puts.map((put) => ({ ...put, draft: storable(put.draft) }));
}

/** Freezes a value that JSON.parse made; returns it. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  // Not with for-in, for which V8 compiles this anew for each shape of objects that comes along.
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}

function checkKey(key: ResourceKey): void {
  for (const [field, text] of [
    ["type", key.type],
    ["mesh", key.mesh],
    ["name", key.name],
  ] as const) {
    if (typeof text !== "string") throw refused(key, field, "must be a string");
    if (text === "" && field !== "mesh") throw refused(key, field, "must not be empty");
    if (!text.isWellFormed() || text.includes("\0") || text.includes("/")) {
      throw refused(key, field, "must be valid Unicode without slash and NUL");
    }
  }
}

function frozenCopy(key: ResourceKey, value: unknown, path: string, depth: number): unknown {
  if (typeof value === "string" || typeof value === "boolean" || value === null) return value;
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw refused(key, path, `must be a number that JSON can express, not ${value}`);
    return Object.is(value, -0) ? 0 : value;
  }
  if (typeof value !== "object") throw refused(key, path, `must be JSON, not ${typeof value}`);
  if (depth > DEEPEST) throw refused(key, path, `is nested deeper than ${DEEPEST} levels`);
  if (Array.isArray(value)) {
    return Object.freeze(value.map((item, at) => frozenCopy(key, item ?? null, `${path}[${at}]`, depth + 1)));
  }
  if ("toJSON" in value && typeof value.toJSON === "function") {
    return frozenCopy(key, value.toJSON(), path, depth + 1);
  }
  if (value instanceof Map || value instanceof Set || ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
    throw refused(key, path, `must be JSON, not ${value.constructor.name}`);
  }
  const copy: Record<string, unknown> = {};
  for (const property of Object.keys(value)) {
    const inner = (value as Record<string, unknown>)[property];
    if (inner !== undefined) define(copy, property, frozenCopy(key, inner, `${path}.${property}`, depth + 1));
  }
  return Object.freeze(copy);
}

/** Assigning to `__proto__` would change the object's prototype instead of keeping the property. */
function define(target: object, property: string, value: unknown): void {
  if (property === "__proto__") {
    Object.defineProperty(target, property, { value, enumerable: true, configurable: true, writable: true });
  } else (target as Record<string, unknown>)[property] = value;
}

function refused(key: ResourceKey, field: string, message: string): MeshError {
  return new MeshError("MM400", `${describeKey(key)} cannot be stored`, { violations: [{ field, message }] });
}
