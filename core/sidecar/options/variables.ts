import { MeshError } from "../../kernel/errors.ts";

/** Values for a template; a dotted name makes nested objects. */
export interface TemplateVariables {
  readonly values: Readonly<Record<string, unknown>>;
  /** The names as they were given: `name`, `net.address`. */
  readonly names: readonly string[];
}

/**
 * Reads `--dataplane-var` texts: `key=value`, or several separated by commas. With one `=` the whole text is one pair, so
 * that a value may hold commas (as kuma-dp reads it). The last value of a name wins; dotted names are merged deeply.
 */
export function readVariables(texts: readonly string[]): TemplateVariables {
  const flat = new Map<string, string>();
  for (const text of texts) {
    const pairs = text.split("=").length === 2 ? [text] : splitPairs(text);
    for (const pair of pairs) {
      const at = pair.indexOf("=");
      if (at < 1) throw notAPair(pair);
      flat.set(pair.slice(0, at).trim(), pair.slice(at + 1));
    }
  }
  const values: Record<string, unknown> = {};
  for (const [name, value] of flat) assign(values, name, value);
  return { values, names: [...flat.keys()] };
}

function splitPairs(text: string): string[] {
  const parts = text.match(/"(?:[^"]|"")*"|[^,]+/g) ?? [text];
  return parts.map((part) => (part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part));
}

function notAPair(pair: string): MeshError {
  return new MeshError("MM100", `--dataplane-var takes key=value, not "${pair}"`, {
    todo: "For example --dataplane-var name=redis-1",
  });
}

function assign(root: Record<string, unknown>, name: string, value: string): void {
  const steps = name.split(".");
  const last = steps.pop() ?? name;
  let at = root;
  for (const step of steps) {
    const next = Object.hasOwn(at, step) ? at[step] : undefined;
    if (next === undefined) {
      const made: Record<string, unknown> = {};
      define(at, step, made);
      at = made;
    } else if (typeof next === "object") at = next as Record<string, unknown>;
    else throw clash(name, step);
  }
  if (typeof (Object.hasOwn(at, last) ? at[last] : undefined) === "object") throw clash(name, last);
  define(at, last, value);
}

function define(target: Record<string, unknown>, key: string, value: unknown): void {
  // Not a plain assignment: a variable may be called __proto__.
  Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true });
}

function clash(name: string, step: string): MeshError {
  return new MeshError("MM100", `--dataplane-var ${name}: "${step}" is given as a value and as a group`, {
    todo: "Use one of the two.",
  });
}
