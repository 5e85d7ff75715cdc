import * as z from "zod/mini";

/**
 * Building blocks for the shapes of specs. A shape describes the spec in memory; where its proto JSON looks different
 * (contract, section 7.1: durations `"5s"`, 64-bit numbers as strings, enum numbers) the block is marked, and
 * `proto-json.ts` translates both ways.
 */
export type Mark = "duration" | "goDuration" | "timestamp" | "counter" | "presence";

const marks = new WeakMap<object, Mark>();

function marked<S extends object>(schema: S, mark: Mark): S {
  marks.set(schema, mark);
  return schema;
}

export function markOf(schema: object): Mark | undefined {
  return marks.get(schema);
}

export const text = () => z.string();
export const flag = () => z.boolean();
export const uint32 = () => z.int().check(z.minimum(0), z.maximum(4_294_967_295));
export const double = () => z.number();
/** A map from text to text: tags and labels. */
export const textMap = () => z.record(z.string(), z.string());
/** A free-form object, kept as it is (protobuf's Struct). */
export const struct = () => z.record(z.string(), z.unknown());
/** An enum; the first name is the zero value and is left out of JSON. */
export const oneOf = <const Names extends readonly [string, ...string[]]>(names: Names) => z.enum(names);
export const list = <Item extends z.core.$ZodType>(item: Item) => z.array(item);
export const message = <Fields extends z.core.$ZodShape>(fields: Fields) => z.strictObject(fields);

/** In memory milliseconds; in JSON `"5s"`. Go's syntax (`1m30s`, `500ms`) is understood too. */
export const duration = () => marked(z.number(), "duration");
/** The same for plugin types, which write it as Go does: `1h0m0s`. */
export const goDuration = () => marked(z.number(), "goDuration");
/** In memory milliseconds since 1970; in JSON RFC 3339. */
export const timestamp = () => marked(z.number(), "timestamp");
/** In memory a number; in JSON a string, as proto JSON writes 64-bit numbers. */
export const counter = () => marked(z.int().check(z.minimum(0)), "counter");
/** A scalar whose zero value says something and is written (protobuf's wrapper types and `optional`). */
export const presence = <S extends z.core.$ZodType>(schema: S): S => marked(schema, "presence");
