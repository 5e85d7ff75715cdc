import type * as z from "zod/mini";
import { nearest } from "../../kernel/nearest.ts";
import { type FieldPath, fieldText } from "../field-path.ts";
import type { UnknownField } from "../resource-type.ts";
import { markOf } from "./fields.ts";
import { formatGoDuration } from "./go-duration.ts";
import { formatProtoDuration, parseProtoDuration } from "./proto-duration.ts";

type Json = Record<string, unknown>;
type Schema = z.core.$ZodType;

const defOf = (schema: Schema) => (schema as z.core.$ZodTypes)._zod.def;

/** The schema under `optional`. */
export function bareSchema(schema: Schema): Schema {
  const def = defOf(schema);
  return def.type === "optional" ? bareSchema(def.innerType) : schema;
}

/** The known fields of an object schema; undefined for anything else. */
export function fieldsOf(schema: Schema): Readonly<Record<string, Schema>> | undefined {
  const def = defOf(bareSchema(schema));
  return def.type === "object" ? def.shape : undefined;
}

export function isJsonObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Brings proto JSON to the form of the shape: `null` means absent, fields also go by their snake_case names, numbers
 * may be strings, enums may be numbers, durations and times become milliseconds. Values that fit nothing stay as they
 * are and fail the shape check. Fields that the shape does not have are reported and left out.
 */
export function fromProtoJson(schema: Schema, json: unknown, path: FieldPath, unknown: UnknownField[]): unknown {
  const bare = bareSchema(schema);
  const def = defOf(bare);
  switch (def.type) {
    case "object":
      return isJsonObject(json) ? objectFromJson(def.shape, json, path, unknown) : json;
    case "array":
      return Array.isArray(json)
        ? json.map((item, index) => fromProtoJson(def.element, item, [...path, index], unknown))
        : json;
    case "record":
      return isJsonObject(json) ? mapFromJson(json, path, unknown) : json;
    case "enum":
      return typeof json === "number" ? (Object.values(def.entries)[json] ?? json) : json;
    case "number":
      return typeof json === "string" ? numberFromText(bare, json) : json;
    default:
      return json;
  }
}

function objectFromJson(shape: Readonly<Record<string, Schema>>, json: Json, path: FieldPath, unknown: UnknownField[]) {
  const result: Json = {};
  for (const [key, value] of Object.entries(json)) {
    const name = Object.hasOwn(shape, key) ? key : camelCase(key);
    const field = Object.hasOwn(shape, name) ? shape[name] : undefined;
    if (field === undefined) {
      unknown.push({ field: fieldText([...path, key]), nearest: nearest(key, Object.keys(shape)) });
    } else if (value !== null && value !== undefined) {
      result[name] = fromProtoJson(field, value, [...path, name], unknown);
    }
  }
  return result;
}

/** `__proto__` as a key is never meant well, and JavaScript's objects cannot carry it safely. */
function mapFromJson(json: Json, path: FieldPath, unknown: UnknownField[]): Json {
  if (!Object.hasOwn(json, "__proto__")) return { ...json };
  unknown.push({ field: fieldText([...path, "__proto__"]), nearest: undefined });
  return Object.fromEntries(Object.entries(json).filter(([key]) => key !== "__proto__"));
}

function camelCase(key: string): string {
  return key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function numberFromText(schema: Schema, json: string): unknown {
  const mark = markOf(schema);
  if (mark === "duration" || mark === "goDuration") return durationFromText(json) ?? json;
  if (mark === "timestamp") {
    const time = Date.parse(json);
    return Number.isNaN(time) ? json : time;
  }
  return /^-?\d+(\.\d+)?$/.test(json) ? Number(json) : json;
}

/** Go's durations hold 292 years and nothing smaller than a nanosecond; Envoy refuses the last hour of them too. */
const LONGEST_MS = 2_562_047 * 3_600_000;

function durationFromText(text: string): number | undefined {
  const ms = parseProtoDuration(text);
  return ms === undefined || Math.abs(ms) > LONGEST_MS ? undefined : Math.trunc(ms * 1e6) / 1e6;
}

/**
 * The JSON of a spec as Kuma writes it: fields in the order of the shape, zero values, empty lists and empty maps left
 * out. An object that is there but empty stays, since `health: {}` means "not ready" (contract, section 5).
 */
export function toProtoJson(schema: Schema, value: unknown): Json {
  return (jsonOf(schema, value) ?? {}) as Json;
}

function jsonOf(schema: Schema, value: unknown): unknown {
  if (value === undefined || value === null) return undefined;
  const bare = bareSchema(schema);
  const def = defOf(bare);
  switch (def.type) {
    case "object": {
      const fields = Object.entries(def.shape)
        .map(([name, field]) => [name, jsonOf(field, (value as Json)[name])] as const)
        .filter(([, json]) => json !== undefined);
      return Object.fromEntries(fields);
    }
    case "array": {
      const items = value as readonly unknown[];
      return items.length === 0 ? undefined : items.map((item) => jsonOf(def.element, item) ?? zeroOf(def.element));
    }
    case "record":
      return Object.keys(value).length === 0 ? undefined : value;
    default:
      return scalarJson(bare, value);
  }
}

function scalarJson(schema: Schema, value: unknown): unknown {
  const def = defOf(schema);
  switch (markOf(schema)) {
    case "presence":
      return value;
    case "duration":
      return formatProtoDuration(value as number);
    case "goDuration":
      return formatGoDuration(value as number);
    case "timestamp":
      return new Date(value as number).toISOString();
    case "counter":
      return value === 0 ? undefined : String(value);
    default:
      if (def.type === "enum") return value === Object.values(def.entries)[0] ? undefined : value;
      return value === "" || value === 0 || value === false ? undefined : value;
  }
}

/** A value of the right kind that says nothing: stands in for one that was wrong, or for an empty list item. */
export function zeroOf(schema: Schema): unknown {
  const def = defOf(bareSchema(schema));
  switch (def.type) {
    case "object":
    case "record":
      return {};
    case "array":
      return [];
    case "string":
      return "";
    case "boolean":
      return false;
    case "enum":
      return Object.values(def.entries)[0];
    default:
      return 0;
  }
}
