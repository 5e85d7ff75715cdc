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
    return width !== undefined && line.length > width ? `${line.slice(0, Math.max(0, width - 1))}…` : line;
  });
  return `${lines.join("\n")}\n`;
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
