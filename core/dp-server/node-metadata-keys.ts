/** Key of node metadata: one start of one sidecar, minted at `/bootstrap`. */
export const INCARNATION_KEY = "monomesh.incarnation";
