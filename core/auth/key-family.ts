import type { ResourceKey } from "../model/resource.ts";
import { GLOBAL_SECRET, SECRET } from "../model/types/secret.ts";

/** Where the keys of one sort of tokens are kept, and which of those tokens are revoked (contract, section 6.1). */
export interface KeyFamily {
  /** For messages: `mesh default`. */
  readonly owner: string;
  readonly type: string;
  readonly mesh: string;
  /** Names are `<prefix>-<serial>`; serial 0 stands for the bare prefix. */
  readonly prefix: string;
  /** Secrets with the identifiers of revoked tokens; all of them count. */
  readonly revocations: readonly ResourceKey[];
}

/**
 * The keys of a mesh's dataplane tokens. Revocations stand in the mesh's Secret, as documented, or in the GlobalSecret
 * of that name, which is the one that Kuma 2.14.3 reads (contract, section 0, item 11).
 */
export function dataplaneKeyFamily(mesh: string): KeyFamily {
  const revocations = `dataplane-token-revocations-${mesh}`;
  return {
    owner: `mesh ${mesh}`,
    type: SECRET,
    mesh,
    prefix: `dataplane-token-signing-key-${mesh}`,
    revocations: [
      { type: SECRET, mesh, name: revocations },
      { type: GLOBAL_SECRET, mesh: "", name: revocations },
    ],
  };
}

const SERIAL = /^(?:0|[1-9]\d{0,8})$/;

/** The secret of a key, or undefined when the key id is no serial number. */
export function signingKeySecret(family: KeyFamily, keyId: string): ResourceKey | undefined {
  if (!SERIAL.test(keyId)) return undefined;
  const name = keyId === "0" ? family.prefix : `${family.prefix}-${keyId}`;
  return { type: family.type, mesh: family.mesh, name };
}

/** The serial number in the name of a family's secret; undefined for other names. */
export function serialOf(family: KeyFamily, name: string): number | undefined {
  if (name === family.prefix) return 0;
  if (!name.startsWith(`${family.prefix}-`)) return undefined;
  const serial = name.slice(family.prefix.length + 1);
  return SERIAL.test(serial) && serial !== "0" ? Number(serial) : undefined;
}
