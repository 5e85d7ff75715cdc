import type { MeshError } from "./errors.ts";

/** Names the error code to our own sidecar: a gRPC trailer of a refused stream, an HTTP header of a refused request. */
export const CODE_HEADER = "monomesh-code";

/**
 * An error as one line of plain text, for places that show text only (gRPC status, answers to stock kuma-dp): what, why,
 * what to do, and the code in parentheses at the very end, where our own sidecar finds it.
 */
export function errorLine(error: MeshError): string {
  const violations = error.violations.map(({ field, message }) => `${field}: ${message}`).join("; ");
  const what = violations === "" ? error.message : `${error.message}: ${violations}`;
  const head = error.why ? joined(what, error.why) : what;
  const sentence = error.todo ? `${ended(head)} ${ended(error.todo)}` : head;
  return `${sentence.replaceAll(/\s+/g, " ").toWellFormed()} (${error.code})`;
}

/** A reason that is a sentence of its own follows a full stop, any other a colon. */
function joined(what: string, why: string): string {
  return /^[A-Z]/.test(why) ? `${ended(what)} ${why}` : `${what}: ${why}`;
}

function ended(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
