import { CODE_HEADER, errorLine } from "../kernel/error-line.ts";
import type { MeshError } from "../kernel/errors.ts";

/** An answer of the HTTP/1.1 side of the DP server. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export function jsonAnswer(json: unknown): HttpAnswer {
  return { status: 200, headers: { "content-type": "application/json" }, body: `${JSON.stringify(json)}\n` };
}

export function textAnswer(status: number, text: string, contentType = "text/plain; charset=utf-8"): HttpAnswer {
  return { status, headers: { "content-type": contentType }, body: text };
}

/** kuma-dp takes 404 and 400 without a body to mean something of their own (contract, sections 2.5 and 3.2). */
export function emptyAnswer(status: number): HttpAnswer {
  return { status, headers: {}, body: "" };
}

/**
 * An error as kuma-dp shows it to its user: the text verbatim. A problem of fields is 422 `field: reason; …`. An error of the
 * user is never 5xx, which kuma-dp would retry for five minutes.
 */
export function errorAnswer(error: MeshError): HttpAnswer {
  const answer =
    error.violations.length > 0
      ? textAnswer(
          422,
          `${error.violations.map((each) => `${each.field}: ${each.message}`).join("; ")} (${error.code})`,
        )
      : textAnswer(statusOf(error), errorLine(error));
  return { ...answer, headers: { ...answer.headers, [CODE_HEADER]: error.code } };
}

function statusOf(error: MeshError): number {
  return error.kind === "user" && error.httpStatus >= 500 ? 422 : error.httpStatus;
}
