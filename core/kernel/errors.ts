import { ERROR_TABLE, type ErrorCode } from "./error-table.ts";

/** One thing wrong with one field. `field` is a path like `networking.inbound[0].port` (contract, sections 7.3 and 8.2). */
export interface Violation {
  readonly field: string;
  readonly message: string;
}

/** The parts of an error beside what went wrong; each is one plain sentence or less. */
export interface ErrorParts {
  /** The file and line, address, resource or setting that is concerned. */
  readonly where?: string | undefined;
  /** The reason, as far as it is known. */
  readonly why?: string | undefined;
  /** What the user can do, best a command that can be copied. */
  readonly todo?: string | undefined;
  readonly violations?: readonly Violation[] | undefined;
  readonly cause?: unknown;
}

/**
 * The only error type of monomesh. `message` says what went wrong; the other parts say where, why and what to do
 * (ux.md, section 2: every error has four parts and a code). The code decides HTTP status and exit code.
 */
export class MeshError extends Error {
  readonly code: ErrorCode;
  readonly where: string | undefined;
  readonly why: string | undefined;
  readonly todo: string | undefined;
  readonly violations: readonly Violation[];

  constructor(code: ErrorCode, message: string, parts: ErrorParts = {}) {
    super(message, parts.cause === undefined ? undefined : { cause: parts.cause });
    this.name = "MeshError";
    this.code = code;
    this.where = parts.where;
    this.why = parts.why;
    this.todo = parts.todo;
    this.violations = parts.violations ?? [];
  }

  /** User errors never print a stack; system errors may, at debug level. */
  get kind(): "user" | "system" {
    return ERROR_TABLE[this.code].kind;
  }

  get httpStatus(): number {
    return ERROR_TABLE[this.code].http;
  }

  get exitCode(): number {
    return ERROR_TABLE[this.code].exit;
  }
}

/** Turns anything that was thrown into a MeshError, at the edges (REST, gRPC, command line). */
export function toMeshError(thrown: unknown): MeshError {
  if (thrown instanceof MeshError) return thrown;
  if (thrown instanceof Error) return new MeshError("MM900", thrown.message, { cause: thrown });
  return new MeshError("MM900", String(thrown));
}

export function isAbortError(thrown: unknown): boolean {
  return (
    thrown instanceof Error && (thrown.name === "AbortError" || (thrown as { code?: unknown }).code === "ABORT_ERR")
  );
}
