import { MeshError } from "../kernel/errors.ts";

/** Bytes of a body. Kuma's resources have some kB at the most; secrets a few more. */
export const BODY_LIMIT = 1024 * 1024;
const MAX_DEPTH = 64;

/**
 * Reads a JSON body. Rejects what later code should not meet: nesting so deep that recursion could overflow, and the
 * key `__proto__`. MM400; undefined for an empty body.
 */
export function parseJsonBody(text: string): unknown {
  if (text.trim() === "") return undefined;
  if (isDeeperThan(text, MAX_DEPTH)) throw new MeshError("MM400", `the body is nested deeper than ${MAX_DEPTH} levels`);
  const value = parse(text);
  if (/__proto__|\\u005f/i.test(text) && hasProtoKey(value)) {
    throw new MeshError("MM400", 'the body has a key "__proto__", which no resource can have');
  }
  return value;
}

/** The body as the JSON object it must be. */
export function objectBody(body: unknown): Readonly<Record<string, unknown>> {
  if (typeof body === "object" && body !== null && !Array.isArray(body)) return body as Record<string, unknown>;
  throw new MeshError("MM400", body === undefined ? "the body is empty" : "the body must be a JSON object");
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new MeshError("MM400", "the body is not JSON", { why: (cause as Error).message.slice(0, 200), cause });
  }
}

/** Counts brackets outside of strings; JSON.parse itself would accept any depth. */
function isDeeperThan(text: string, limit: number): boolean {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (inString) {
      if (char === "\\") at++;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === "{" || char === "[") {
      if (++depth > limit) return true;
    } else if (char === "}" || char === "]") depth--;
  }
  return false;
}

function hasProtoKey(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return Object.hasOwn(value, "__proto__") || Object.values(value).some(hasProtoKey);
}
