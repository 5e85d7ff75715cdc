/** A token with these claims whose signature is nonsense: for tests in which nobody verifies it. */
export function unsignedToken(claims: Record<string, unknown> = {}): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "RS256", kid: "1", typ: "JWT" })}.${part({ Name: "", Mesh: "default", ...claims })}.c2lnbmF0dXJl`;
}
