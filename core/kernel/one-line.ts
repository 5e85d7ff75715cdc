/**
 * Text that may come from anybody, as a part of one line: control characters (line breaks, and what would move a terminal's
 * cursor) become blanks, and it is cut after `most` characters.
 */
export function oneLine(text: string, most = 1000): string {
  const line = text
    .replaceAll(/[\s\p{Cc}]+/gu, " ")
    .trim()
    .toWellFormed();
  return line.length > most ? `${line.slice(0, most - 1)}…` : line;
}
