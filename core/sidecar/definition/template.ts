import { nearest } from "../../kernel/nearest.ts";
import type { TemplateVariables } from "../options/variables.ts";
import type { DefinitionProblem } from "./problem.ts";

/** A rendered template that still knows where each character came from. */
export interface Rendered {
  readonly text: string;
  /** False: the template itself is broken and there is no text. */
  readonly readable: boolean;
  readonly problems: readonly DefinitionProblem[];
  /** Variables that were given and that the template does not use. */
  readonly unused: readonly string[];
  /** Place in the template of a range of the rendered text. `variable`: the range holds a value that was put in. */
  placeOf(start: number, end: number): { readonly start: number; readonly end: number; readonly variable: boolean };
}

/** A stretch of rendered text: copied from the template, or the value of a tag (then it stands for the whole tag). */
interface Piece {
  readonly at: number;
  readonly length: number;
  readonly start: number;
  readonly end: number;
  readonly tag: boolean;
}

/** Mustache's parse result: type, value, start, end, and for sections what is inside. */
type Token = readonly [string, string, number, number, (readonly Token[])?, number?];

/** `{ { name } }`, as Kuma's page prints it, and the half-spaced forms. Lengths are kept so that places stay true. */
const SPACED_TAG = /\{([ \t]*)\{[ \t]*([\w.-]+)[ \t]*\}([ \t]*)\}/g;

/** Stands in for a value nobody gave, so that the rest of the definition can still be checked. */
const STAND_IN = "x";

/**
 * Renders a Mustache template. Two differences from Kuma on purpose: a variable that the template uses and nobody gave is
 * a problem, not an empty text; and values are put in as they are, not escaped for HTML, which YAML is not.
 */
export async function renderTemplate(source: string, variables: TemplateVariables): Promise<Rendered> {
  const problems: DefinitionProblem[] = [];
  const mended = mendSpacedTags(source, problems);
  const tokens = await parseTokens(mended, problems);
  const pieces: Piece[] = [];
  const used = new Set<string>();
  let text = "";
  const add = (value: string, start: number, end: number, tag: boolean) => {
    pieces.push({ at: text.length, length: value.length, start, end, tag });
    text += value;
  };
  const walk = (list: readonly Token[], context: readonly unknown[]) => {
    for (const [type, value, start, end, inner = []] of list) {
      if (type === "text") {
        add(value, start, end, false);
        continue;
      }
      if (type === "!" || type === "=") continue;
      if (type === ">") {
        problems.push({ start, end, message: "partials are not supported in a definition" });
        continue;
      }
      if (value.includes("\n")) {
        problems.push({
          start,
          end: start + value.indexOf("\n"),
          message: "the template cannot be read: unclosed tag",
        });
        continue;
      }
      const found = lookup(context, value, used);
      if (type === "#") {
        if (found) walk(inner, [...context, found]);
      } else if (type === "^") {
        if (!found) walk(inner, context);
      } else if (typeof found === "string") {
        add(found, start, end, true);
      } else {
        problems.push({ start, end, message: missing(value, found, variables) });
        add(STAND_IN, start, end, true);
      }
    }
  };
  walk(tokens ?? [], [variables.values]);
  const unused = variables.names.filter((name) => !used.has(name));
  return {
    text,
    readable: tokens !== undefined,
    problems,
    unused,
    placeOf: (start, end) => placeOf(pieces, start, end),
  };
}

function mendSpacedTags(source: string, problems: DefinitionProblem[]): string {
  return source.replace(SPACED_TAG, (all, before: string, name: string, after: string, offset: number) => {
    if (before === "" && after === "") return all;
    problems.push({
      start: offset,
      end: offset + all.length,
      message: `no spaces between the braces: write {{ ${name} }}`,
    });
    return `{{${name.padEnd(all.length - 4)}}}`;
  });
}

async function parseTokens(source: string, problems: DefinitionProblem[]): Promise<readonly Token[] | undefined> {
  if (!source.includes("{{")) return [["text", source, 0, source.length]];
  const { default: mustache } = await import("mustache");
  try {
    return mustache.parse(source) as unknown as readonly Token[];
  } catch (error) {
    const { message } = error as Error;
    const stop = Number(/ at (\d+)$/.exec(message)?.[1] ?? source.length);
    const start = Math.max(0, source.lastIndexOf("{{", stop));
    const lineEnd = source.indexOf("\n", start);
    const what = message.replace(/ at \d+$/, "").toLowerCase();
    problems.push({
      start,
      end: lineEnd < 0 ? source.length : lineEnd,
      message: `the template cannot be read: ${what}`,
    });
    return undefined;
  }
}

/** Mustache's lookup over own properties only: `{{ constructor }}` is a missing variable like any other. */
function lookup(context: readonly unknown[], name: string, used: Set<string>): unknown {
  if (name === ".") return context.at(-1);
  const steps = name.split(".");
  for (const level of [...context].reverse()) {
    let at: unknown = level;
    for (const step of steps)
      at =
        typeof at === "object" && at !== null && Object.hasOwn(at, step)
          ? (at as Record<string, unknown>)[step]
          : undefined;
    if (at === undefined) continue;
    markUsed(at, name, used);
    return at;
  }
  return undefined;
}

/** A section over a group uses all of the group: what it takes from it depends on what is inside. */
function markUsed(value: unknown, name: string, used: Set<string>): void {
  used.add(name);
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value)) markUsed(inner, `${name}.${key}`, used);
}

function missing(name: string, found: unknown, variables: TemplateVariables): string {
  if (typeof found === "object" && found !== null) {
    return `"${name}" is a group; one of ${Object.keys(found)
      .map((key) => `${name}.${key}`)
      .join(", ")} is meant`;
  }
  const list = variables.names.length > 0 ? `given: ${variables.names.join(", ")}` : "none was given";
  const close = nearest(name, variables.names);
  const value = close === undefined ? undefined : lookup([variables.values], close, new Set());
  return `no value for "${name}"; ${list}. ${close ? `Did you mean --dataplane-var ${name}=${value}?` : `Add --dataplane-var ${name}=…`}`;
}

function placeOf(pieces: readonly Piece[], start: number, end: number): ReturnType<Rendered["placeOf"]> {
  const touched = pieces.filter((piece) => piece.at < Math.max(end, start + 1) && piece.at + piece.length >= start);
  const inside = touched.filter((piece) => piece.at + piece.length > start || piece.length === 0);
  const [first, last] = [inside[0] ?? touched[0] ?? pieces.at(-1), inside.at(-1) ?? touched.at(-1) ?? pieces.at(-1)];
  if (!first || !last) return { start, end, variable: false };
  const from = first.tag ? first.start : first.start + Math.max(0, start - first.at);
  const to = last.tag ? last.end : last.start + Math.min(last.length, Math.max(end - last.at, 1));
  return { start: from, end: Math.max(to, from + 1), variable: inside.some((piece) => piece.tag) };
}
