import { parse, stringify } from "yaml";

/** One YAML document as data; throws with the line when it is none. */
export function parseYaml(text: string): unknown {
  return parse(text);
}

/** Data as one YAML document that reads back the same. */
export function printYaml(value: unknown): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
}
