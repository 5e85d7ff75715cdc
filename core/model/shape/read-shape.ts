import * as z from "zod/mini";
import type { Violation } from "../../kernel/errors.ts";
import { type FieldPath, fieldText, isWithin } from "../field-path.ts";
import type { SpecResult, UnknownField } from "../resource-type.ts";
import { markOf } from "./fields.ts";
import { bareSchema, fieldsOf, fromProtoJson, isJsonObject, zeroOf } from "./proto-json.ts";

type Issue = z.core.$ZodIssue;
type Schema = z.core.$ZodType;

/** Each round repairs one level of wrong values; shapes are not deeper than this. */
const MAX_ROUNDS = 16;
/** JSON deeper than this is refused, so that no recursion over it can overflow. */
const MAX_DEPTH = 64;

/**
 * Reads a spec's proto JSON. All problems are found at once: wrong values are reported and replaced by neutral ones
 * until the shape holds, so that the rules beyond shape can be checked on the rest.
 */
export function readShape<S extends Schema>(schema: S, json: unknown): SpecResult<z.output<S>> {
  const unknownFields: UnknownField[] = [];
  const violations: Violation[] = [];
  const tooDeep = depthExceeds(json, MAX_DEPTH);
  if (tooDeep) violations.push({ field: "", message: `must not be nested deeper than ${MAX_DEPTH} levels` });
  const root = { value: fromProtoJson(schema, tooDeep ? {} : json, [], unknownFields) };
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const result = z.safeParse(schema, root.value);
    if (result.success) return { spec: result.data, violations, unknownFields };
    for (const issue of result.error.issues) {
      const path = issue.path.map((step) => (typeof step === "number" ? step : String(step)));
      const field = fieldText(path);
      // What is missing inside a value that was replaced is the replacement's, not the user's.
      if (!tooDeep && !violations.some((wrong) => isWithin(field, wrong.field))) {
        violations.push({ field, message: messageOf(schema, issue, path, root.value) });
      }
      repair(schema, root, path);
    }
  }
  throw new Error(`a shape could not be repaired: ${violations.map((each) => each.field).join(", ")}`);
}

/** Puts a neutral value where a wrong one was, or takes an optional field away. */
function repair(schema: Schema, root: { value: unknown }, path: FieldPath): void {
  let parent: unknown = root;
  let step: string | number = "value";
  let at: Schema | undefined = schema;
  let required = true;
  for (const next of path) {
    parent = (parent as Record<string | number, unknown>)[step];
    step = next;
    if (parent === null || typeof parent !== "object") return;
    const field: Schema | undefined = at && childOf(at, next);
    required = field !== undefined && fieldsOf(at as Schema) !== undefined && bareSchema(field) === field;
    at = field;
  }
  const holder = parent as Record<string | number, unknown>;
  if (at === undefined) delete holder[step];
  else if (Array.isArray(holder) || required) holder[step] = zeroOf(at);
  else delete holder[step];
}

function childOf(schema: Schema, step: string | number): Schema | undefined {
  const def = (bareSchema(schema) as z.core.$ZodTypes)._zod.def;
  if (def.type === "object") return def.shape[step];
  if (def.type === "array") return def.element;
  if (def.type === "record") return def.valueType;
  return undefined;
}

function messageOf(schema: Schema, issue: Issue, path: FieldPath, value: unknown): string {
  let at: Schema | undefined = schema;
  let found: unknown = value;
  for (const step of path) {
    at = at && childOf(at, step);
    found = isJsonObject(found) || Array.isArray(found) ? (found as Record<string | number, unknown>)[step] : undefined;
  }
  if (found === undefined) return "is required";
  const quotes = issue.code === "invalid_type" && issue.expected === "string" && typeof found !== "object";
  return `must be ${wanted(at, issue)}, not ${shown(found)}${quotes ? "; write it in quotes" : ""}`;
}

function wanted(schema: Schema | undefined, issue: Issue): string {
  const mark = schema && markOf(bareSchema(schema));
  if (mark === "duration" || mark === "goDuration") return "a duration such as 5s";
  if (mark === "timestamp") return "a time such as 2026-01-31T12:00:00Z";
  switch (issue.code) {
    case "invalid_value":
      return `one of ${issue.values.join(", ")}`;
    case "too_big":
      return `${issue.maximum} at most`;
    case "too_small":
      return `${issue.minimum} at least`;
    case "invalid_type":
      return KIND_NAMES[issue.expected] ?? issue.expected;
    default:
      return "of another kind";
  }
}

const KIND_NAMES: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "a map",
};

function shown(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (value === null) return "null";
  if (typeof value === "object") return "an object";
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function depthExceeds(json: unknown, limit: number): boolean {
  let level: unknown[] = [json];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > limit) return true;
    level = level.flatMap((value) => (typeof value === "object" && value !== null ? Object.values(value) : []));
  }
  return false;
}
