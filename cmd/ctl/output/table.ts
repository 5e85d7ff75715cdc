import type { Writer } from "../../terminal/io.ts";

/**
 * A table as plain text: columns two spaces apart, header first, no trailing blanks. `width` cuts the last column on a
 * terminal; in a pipe nothing is cut (ux.md, section 2).
 */
export function tableText(header: readonly string[], rows: readonly (readonly string[])[], width?: number): string {
  const all = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...all.map((row) => (row[column] ?? "").length)));
  const lines = all.map((row) => {
    const line = header
      .map((_, column) => (row[column] ?? "").padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
    return cutLine(line, width);
  });
  return `${lines.join("\n")}\n`;
}

/** A line that fits; `width` undefined: as it is. */
export function cutLine(line: string, width: number | undefined): string {
  return width !== undefined && line.length > width ? `${line.slice(0, Math.max(0, width - 1))}…` : line;
}

/** Columns of a terminal; undefined for a pipe, where nothing is cut. */
export function terminalWidth(writer: Writer): number | undefined {
  return writer.isTTY ? writer.columns : undefined;
}

/** kumactl pads with three blanks and keeps those of the last column, so scripts that cut by position go on working. */
export function kumactlTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...all.map((row) => (row[column] ?? "").length)));
  return all
    .map(
      (row) =>
        `${header.map((_, column) => (row[column] ?? "").padEnd(column === header.length - 1 ? 0 : (widths[column] ?? 0) + 3)).join("")}\n`,
    )
    .join("");
}
