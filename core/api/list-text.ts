import { setImmediate as nextTurn } from "node:timers/promises";

/** Items turned into text at a time: a few milliseconds, so that a page of 1000 does not hold up the proxies' streams. */
const SLICE = 100;

/** The JSON text of a list answer, the same as of the whole object at once but with pauses in between. */
export async function listText<Item>(
  items: readonly Item[],
  toJson: (item: Item) => unknown,
  { total, next }: { readonly total: number; readonly next: string | null },
): Promise<string> {
  const texts: string[] = [];
  for (let from = 0; from < items.length; from += SLICE) {
    if (from > 0) await nextTurn();
    for (const item of items.slice(from, from + SLICE)) texts.push(indented(JSON.stringify(toJson(item), null, 1)));
  }
  const list = texts.length === 0 ? "[]" : `[\n${texts.join(",\n")}\n ]`;
  return `{\n "total": ${total},\n "items": ${list},\n "next": ${JSON.stringify(next)}\n}\n`;
}

/** Two levels deeper. Line breaks inside of JSON strings are escaped, so every one is between tokens. */
function indented(text: string): string {
  return `  ${text.replaceAll("\n", "\n  ")}`;
}
