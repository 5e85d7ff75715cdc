import { ERROR_TABLE, type ErrorCode } from "../kernel/error-table.ts";
import type { MeshError } from "../kernel/errors.ts";

/** The body of a failed request (contract, section 7.3). `details` and `causes` are the older names that kumactl also reads. */
export interface ErrorBody {
  readonly type: "/std-errors";
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly invalid_parameters?: readonly { readonly field: string; readonly reason: string }[];
  readonly details: string;
  readonly causes?: readonly { readonly field: string; readonly message: string }[];
  /** Ours: `monomesh explain CODE` says more. */
  readonly code: string;
}

/** Titles that do not depend on what was tried. */
const TITLE_OF_CODE: Partial<Record<ErrorCode, string>> = {
  MM302: "Access Denied",
  MM405: "Method not allowed",
  MM406: "Failed to retrieve Mesh",
  MM413: "Body too large",
};

/**
 * The one place where an error becomes an answer. `title` says what was tried, such as "Could not retrieve a resource".
 * What goes wrong inside the control plane is not told to callers, only logged.
 */
export function buildErrorBody(error: MeshError, title: string | undefined): ErrorBody {
  const status = error.httpStatus;
  const detail = detailOf(error);
  const { violations } = error;
  return {
    type: "/std-errors",
    status,
    title: TITLE_OF_CODE[error.code] ?? title ?? ERROR_TABLE[error.code].title,
    detail,
    ...(violations.length > 0
      ? { invalid_parameters: violations.map(({ field, message }) => ({ field, reason: message })) }
      : {}),
    details: detail,
    ...(violations.length > 0 ? { causes: violations.map(({ field, message }) => ({ field, message })) } : {}),
    code: error.code,
  };
}

function detailOf(error: MeshError): string {
  if (error.code === "MM104") return "Resource is not valid";
  if (error.httpStatus === 500 && error.kind === "system") return "Internal Server Error";
  const sentences = [error.message, error.where, error.why, error.todo].filter(
    (part) => part !== undefined && part !== "",
  );
  if (sentences.length === 1) return sentences[0] as string;
  return sentences.map((part) => `${upperFirst(part as string).replace(/[.]$/, "")}.`).join(" ");
}

function upperFirst(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
