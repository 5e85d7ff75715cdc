import { createPublicKey, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { MeshError } from "../kernel/errors.ts";

/** A key that the configuration gives (contract, section 6.1: `publicKeys`), so that tokens can be made elsewhere. */
export interface PublicKeySetting {
  readonly kid: string;
  /** Only for this mesh; for all if absent. */
  readonly mesh?: string | undefined;
  /** PEM. */
  readonly key?: string | undefined;
  /** Path of a PEM file; read once, at the start. */
  readonly keyFile?: string | undefined;
}

/** Finds the configured key for a `kid` in a mesh. */
export type PublicKeys = (keyId: string, mesh: string) => KeyObject | undefined;

/** Reads the configured keys. MM307 names the one that cannot be read. */
export function openPublicKeys(settings: readonly PublicKeySetting[]): PublicKeys {
  const keys = settings.map((setting) => ({ ...setting, publicKey: readKey(setting) }));
  return (keyId, mesh) => keys.find((each) => each.kid === keyId && (!each.mesh || each.mesh === mesh))?.publicKey;
}

function readKey(setting: PublicKeySetting): KeyObject {
  const where = setting.keyFile ?? `publicKeys, kid ${setting.kid}`;
  let key: KeyObject;
  try {
    key = createPublicKey(setting.key ?? readFileSync(setting.keyFile ?? "", "utf8"));
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).syscall ? (cause as Error).message : "It is no key in PEM.";
    throw new MeshError("MM307", `the public key ${setting.kid} cannot be read`, { where, why, cause });
  }
  if (key.asymmetricKeyType !== "rsa") {
    throw new MeshError("MM307", `the public key ${setting.kid} is no RSA key`, { where });
  }
  return key;
}
