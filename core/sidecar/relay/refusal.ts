import type { IncomingHttpHeaders } from "node:http2";
import { CODE_HEADER } from "../../kernel/error-line.ts";
import { ERROR_TABLE, type ErrorCode, type ErrorRow } from "../../kernel/error-table.ts";

/** How a call ended by the other side's will. */
export interface CallOutcome {
  readonly path: string;
  /** gRPC status; 0 is a normal end. */
  readonly status: number;
  readonly message: string;
  /** Error code of a monomesh control plane (`MM311`), if it sent one. */
  readonly code: string | undefined;
}

/** Part of the path of every ADS stream. */
export const ADS = "AggregatedDiscoveryService";

/** A gRPC end as an outcome; HTTP errors count as UNKNOWN, as gRPC clients treat them. */
export function outcomeOf(path: string, headers: IncomingHttpHeaders): CallOutcome {
  const raw = headers["grpc-status"];
  const http = headers[":status"];
  const status = raw === undefined ? 2 : Number(raw);
  const fallback = raw === undefined ? `HTTP status ${http ?? "missing"}` : "";
  const message = decodeGrpcMessage(String(headers["grpc-message"] ?? "")) || fallback;
  const named = headers[CODE_HEADER] ?? /\bMM\d{3}\b/.exec(message)?.[0];
  return { path, status, message, code: named === undefined ? undefined : String(named) };
}

/** gRPC percent-encodes what is not printable ASCII; a broken encoding is shown as it came. */
function decodeGrpcMessage(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** gRPC statuses of a server that is not well or not there: CANCELLED, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, ABORTED, INTERNAL, UNAVAILABLE. */
const PASSING = new Set([0, 1, 4, 8, 10, 13, 14]);

/**
 * Whether the control plane has said no to this proxy for a reason that waiting does not cure. A monomesh names its error
 * code. Kuma sends every reason with status 2, so the text decides there; it refuses a reconnect for 10 s (contract,
 * section 0.3), which passes. Only ADS counts: HDS may be refused or missing without harm (contract, section 13).
 */
export function isRefusal(outcome: CallOutcome): boolean {
  if (!outcome.path.includes(ADS)) return false;
  const row = ERROR_TABLE[outcome.code as ErrorCode] as ErrorRow | undefined;
  if (row) return row.kind === "user" && row.http < 500;
  if (PASSING.has(outcome.status) || outcome.message === "" || /^HTTP status 5\d\d$/.test(outcome.message))
    return false;
  return !/active stream|already connected|try again|retry later|shutting down/i.test(outcome.message);
}
