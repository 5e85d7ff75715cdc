import { wrap } from "../../kernel/wrap.ts";
import { type DefinitionProblem, NO_PLACE } from "./problem.ts";
import type { DefinitionSource } from "./read-source.ts";

const WIDTH = 100;
const NARROWEST = 36;

/** All problems as text: file and line, the line itself, carets under the place, the message beside them (ux.md, 3.5). */
export function problemsText(source: DefinitionSource, problems: readonly DefinitionProblem[]): string {
  const lines = source.text.split("\n");
  const places = problems.map((problem) => place(source, lines, problem));
  const labelWidth = Math.max(...places.map((each) => each.label.length)) + 3;
  return places.map((each) => render(each, labelWidth)).join("\n");
}

interface Place {
  readonly label: string;
  readonly line: string;
  /** Column of the first caret in `line`, and how many. */
  readonly column: number;
  readonly width: number;
  readonly message: string;
}

function place(source: DefinitionSource, lines: readonly string[], problem: DefinitionProblem): Place {
  if (problem.start === NO_PLACE)
    return { label: source.label, line: "", column: 0, width: 0, message: problem.message };
  let offset = 0;
  let index = 0;
  while (index < lines.length - 1 && offset + (lines[index]?.length ?? 0) < problem.start) {
    offset += (lines[index]?.length ?? 0) + 1;
    index++;
  }
  const full = (lines[index] ?? "").replaceAll("\t", " ").trimEnd();
  const indent = full.length - full.trimStart().length;
  const line = full.slice(indent);
  const column = Math.max(0, Math.min(problem.start - offset - indent, Math.max(0, line.length - 1)));
  const width = Math.max(1, Math.min(problem.end - problem.start, line.length - column));
  return { label: `${source.label}:${index + 1}`, line, column, width, message: problem.message };
}

function render({ label, line, column, width, message }: Place, labelWidth: number): string {
  const text = line.length > 80 ? `${line.slice(0, 77)}...` : line;
  if (width === 0) return `${label.padEnd(labelWidth)}${message}`;
  const margin = " ".repeat(labelWidth + Math.min(column, text.length));
  const carets = "^".repeat(Math.max(1, Math.min(width, text.length - column)));
  const left = margin.length + carets.length + 2;
  const room = WIDTH - left;
  // Beside the carets if there is room for a sentence, else below them.
  const [first, rest] =
    room >= NARROWEST
      ? [`${margin}${carets}  `, " ".repeat(left)]
      : [`${margin}${carets}\n${" ".repeat(labelWidth)}`, " ".repeat(labelWidth)];
  const wrapped = message.split("\n").flatMap((each) => wrap(each, room >= NARROWEST ? room : WIDTH - labelWidth));
  return `${label.padEnd(labelWidth)}${text}\n${first}${wrapped.join(`\n${rest}`)}`;
}
