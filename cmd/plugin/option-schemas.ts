/*
 * `z` of `monomesh/plugin`: the part of zod's mini that options need. A name here, not all of zod, because whatever is
 * named is loaded by every control plane. A plugin that wants more brings a schema library of its own.
 */
export {
  _default,
  array,
  boolean,
  enum,
  gte,
  int,
  length,
  literal,
  lte,
  maximum,
  maxLength,
  minimum,
  minLength,
  nullable,
  number,
  object,
  optional,
  pipe,
  record,
  refine,
  regex,
  strictObject,
  string,
  transform,
  tuple,
  union,
  unknown,
  url,
} from "zod/mini";
