import type { Document, Node, Pair, Range } from "yaml";
import { type FieldPath, parseFieldPath } from "../../model/field-path.ts";

/** The two type guards of the `yaml` package that are needed; handed in so that it is loaded only at start. */
export interface YamlGuards {
  isMap(value: unknown): value is { items: Pair<Node, Node | null>[] };
  isSeq(value: unknown): value is { items: (Node | null)[] };
  isScalar(value: unknown): value is { value: unknown; range?: Range | null };
}

/** What a field path points at: its key, its value or the nearest thing around it that exists. */
export interface FieldPlace {
  readonly start: number;
  readonly end: number;
  /** False: the field is not there, the place is that of the object it belongs into. */
  readonly exact: boolean;
}

/** Finds a field (`networking.inbound[0].port`) in a YAML document; `what` chooses the key (unknown field) or the value. */
export function placeOfField(
  document: Document,
  field: string,
  what: "key" | "value",
  yaml: YamlGuards,
): FieldPlace | undefined {
  const path: FieldPath = parseFieldPath(field) ?? [];
  let node: unknown = document.contents;
  let best: FieldPlace | undefined = rangeOf(node, false);
  for (const [index, step] of path.entries()) {
    const last = index === path.length - 1;
    if (yaml.isMap(node)) {
      const pair: Pair<Node, Node | null> | undefined = node.items.find(
        (each) => yaml.isScalar(each.key) && keyMatches(each.key.value, step),
      );
      if (!pair) return best && { ...best, exact: false };
      const key = rangeOf(pair.key, last);
      const value = rangeOf(pair.value, last);
      best = last && what === "value" ? (widthOf(value) > 0 ? value : key) : key;
      node = pair.value;
    } else if (yaml.isSeq(node)) {
      node = node.items[Number(step)];
      if (node === undefined) return best && { ...best, exact: false };
      // A list item that is a map: its first key marks it better than the whole block would.
      best = (yaml.isMap(node) ? rangeOf(node.items[0]?.key, last) : undefined) ?? rangeOf(node, last) ?? best;
    } else return best && { ...best, exact: false };
  }
  return best;
}

/** Proto JSON has two spellings of a field: `servicePort` and `service_port`. */
function keyMatches(key: unknown, step: string | number): boolean {
  const text = String(key);
  return text === String(step) || text.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()) === step;
}

function rangeOf(node: unknown, exact: boolean): FieldPlace | undefined {
  const range = (node as { range?: Range | null } | null | undefined)?.range;
  return range ? { start: range[0], end: range[1], exact } : undefined;
}

function widthOf(place: FieldPlace | undefined): number {
  return place ? place.end - place.start : 0;
}
