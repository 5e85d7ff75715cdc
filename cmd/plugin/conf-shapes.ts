/*
 * `shape` of `monomesh/plugin`: what the conf of a policy is made of. Durations are milliseconds in memory and Go's text
 * (`1h30m0s`) in files.
 */
export { optional } from "zod/mini";
export {
  double,
  flag,
  goDuration as duration,
  list,
  message,
  oneOf,
  text,
  textMap,
  uint32,
} from "../../core/model/shape/fields.ts";
