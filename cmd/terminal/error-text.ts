import { type MeshError, toMeshError } from "../../core/kernel/errors.ts";
import type { Io } from "./io.ts";
import { logFormat } from "./log-sink.ts";

const WIDTH = 100;

/**
 * An error for a person: what went wrong with the code at the right, then where, why and what to do, each on its own
 * line (ux.md, sections 2 and 3.5). Only defects add their stack, and only when `MONOMESH_DEBUG` is set.
 */
export function errorText(error: MeshError, debug: boolean): string {
  const head = `error: ${error.message}`;
  const firstLine = head.split("\n")[0] ?? head;
  const rest = head.slice(firstLine.length);
  const gap = " ".repeat(Math.max(2, WIDTH - firstLine.length - error.code.length));
  const lines = [`${firstLine}${gap}${error.code}${rest}`];
  if (error.where) lines.push(...indented(error.where));
  if (error.why) lines.push(...indented(error.why));
  for (const violation of error.violations) lines.push(`  ${violation.field}: ${violation.message}`);
  if (error.todo) lines.push(...indented(error.todo));
  if (debug && error.kind === "system")
    lines.push(String((error.cause as Error | undefined)?.stack ?? error.stack ?? ""));
  return `${lines.join("\n")}\n`;
}

function indented(text: string): string[] {
  return text.split("\n").map((line) => (line ? `  ${line}` : line));
}

/** Prints an error where a command ends and returns its exit code. On a stream for machines it is one JSON line. */
export function reportError(io: Io, thrown: unknown): number {
  const error = toMeshError(thrown);
  const debug = Boolean(io.env["MONOMESH_DEBUG"]);
  if (logFormat(io) === "json" && io.env["MONOMESH_LOG_FORMAT"] === "json") {
    const { code, message, where, why, todo, violations } = error;
    io.stderr.write(
      `${JSON.stringify({ level: "error", event: "failed", code, text: message, where, why, todo, violations })}\n`,
    );
  } else {
    io.stderr.write(errorText(error, debug));
  }
  return error.exitCode;
}
