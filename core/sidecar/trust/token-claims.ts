/** What a sidecar reads of its own token. Nothing of it is verified: that is the control plane's work. */
export interface TokenClaims {
  /** Empty: any name. */
  readonly name: string;
  readonly mesh: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number | undefined;
  readonly notBefore: number | undefined;
  /** SHA-256 digests of the control plane's public keys, lower-case hex. */
  readonly cpCa: readonly string[];
}

const COMPACT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/;
const DIGEST = /^[0-9a-f]{64}$/;

/** Reads a token; undefined when it is no JWT with an algorithm (contract, section 2.3). */
export function decodeToken(token: string): TokenClaims | undefined {
  if (!COMPACT.test(token)) return undefined;
  const [head = "", body = ""] = token.split(".");
  const header = readJson(head);
  const claims = readJson(body);
  if (!claims || typeof header?.["alg"] !== "string") return undefined;
  const digests = Array.isArray(claims["cpCa"]) ? claims["cpCa"] : [];
  return {
    name: textOf(claims["Name"]),
    mesh: textOf(claims["Mesh"]),
    expiresAt: timeOf(claims["exp"]),
    notBefore: timeOf(claims["nbf"]),
    cpCa: digests.filter((digest): digest is string => typeof digest === "string" && DIGEST.test(digest)),
  };
}

function readJson(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function timeOf(value: unknown): number | undefined {
  return typeof value === "number" ? value * 1000 : undefined;
}
