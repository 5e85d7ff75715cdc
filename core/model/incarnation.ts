/** Key of node metadata: one start of one sidecar, minted at `/bootstrap`. */
export const INCARNATION_KEY = "monomesh.incarnation";

/** Undefined for an Envoy whose bootstrap came from elsewhere. */
export function incarnationOf(metadata: Readonly<Record<string, unknown>>): string | undefined {
  const incarnation = metadata[INCARNATION_KEY];
  return typeof incarnation === "string" && incarnation !== "" ? incarnation : undefined;
}
