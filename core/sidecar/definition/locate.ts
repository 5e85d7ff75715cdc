import type { Document } from "yaml";
import type { Violation } from "../../kernel/errors.ts";
import { type DefinitionProblem, NO_PLACE } from "./problem.ts";
import { placeOfField, type YamlGuards } from "./source-map.ts";
import type { Rendered } from "./template.ts";

/** Where documents of a file came from, and what its template made of it. */
export interface LocateContext {
  readonly rendered: Rendered;
  /** The `yaml` package, which is loaded only when there is something to read. */
  readonly yaml: YamlGuards;
  /** What to say; default `sentenceOf`. */
  readonly sentence?: ((violation: Violation) => string) | undefined;
}

/** A violation with its place in the file as the user wrote it. What a variable brought is shown, since it is not there. */
export function locate(violation: Violation, document: Document, context: LocateContext): DefinitionProblem {
  const { rendered, yaml, sentence = sentenceOf } = context;
  const what = violation.message.startsWith("is no field") ? "key" : "value";
  const place = placeOfField(document, violation.field, what, yaml);
  const message = sentence(violation);
  if (!place) return { start: NO_PLACE, end: NO_PLACE, message };
  const { start, end, variable } = rendered.placeOf(place.start, place.end);
  const value = rendered.text.slice(place.start, place.end);
  return { start, end, message: variable ? `${message} (here: ${value})` : message };
}

/** `networking.inbound[0].port must be …`. */
export function sentenceOf({ field, message }: Violation): string {
  return field === "" || message.startsWith(`${field} `) ? message : `${field} ${message}`;
}

/** In the order of the file; a value that nobody gave causes one problem, not a second one about what its stand-in looks like. */
export function inFileOrder(
  problems: readonly DefinitionProblem[],
  { problems: causes }: Rendered,
): DefinitionProblem[] {
  const isEcho = (problem: DefinitionProblem) =>
    !causes.includes(problem) && causes.some((cause) => problem.start < cause.end && cause.start < problem.end);
  return problems.filter((problem) => !isEcho(problem)).sort((a, b) => a.start - b.start);
}
