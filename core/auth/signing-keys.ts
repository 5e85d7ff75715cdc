import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from "node:crypto";
import { promisify } from "node:util";
import { MeshError } from "../kernel/errors.ts";
import type { Resource, ResourceKey } from "../model/resource.ts";
import { MESH } from "../model/types/mesh.ts";
import type { ResourceStore } from "../store/resource-store.ts";
import type { SigningKeys } from "./authenticator.ts";
import { dataplaneKeyFamily, type KeyFamily, serialOf, signingKeySecret } from "./key-family.ts";
import { isConflict, secretDraft, secretText } from "./secret-text.ts";

const MODULUS_LENGTH = 2048;
const FIRST_SERIAL = "1";
const generate = promisify(generateKeyPair);

/** A key that can sign, and the `kid` that names it. */
export interface SigningKey {
  readonly keyId: string;
  readonly privateKey: KeyObject;
}

/** The signing keys in the store. Making one takes 50 to 500 ms of another thread, so `ensureForMesh` runs in the background. */
export interface StoredSigningKeys extends SigningKeys {
  /** The key with the highest serial number; made if the mesh has none. MM404 when the mesh does not exist, MM307 for a damaged key. */
  newestForMesh(mesh: string): Promise<SigningKey>;
}

export function createSigningKeys(store: ResourceStore): StoredSigningKeys {
  const underWay = new Map<string, Promise<void>>();

  async function ensureForMesh(mesh: string): Promise<void> {
    const family = dataplaneKeyFamily(mesh);
    if (await newestSecret(store, family)) return;
    let making = underWay.get(mesh);
    if (!making) {
      making = makeFirstKey(store, family, mesh).finally(() => underWay.delete(mesh));
      underWay.set(mesh, making);
    }
    await making;
  }

  return {
    ensureForMesh,
    async newestForMesh(mesh) {
      const family = dataplaneKeyFamily(mesh);
      let secret = await newestSecret(store, family);
      if (!secret) {
        await ensureForMesh(mesh);
        secret = await newestSecret(store, family);
      }
      if (!secret) throw new MeshError("MM307", "Signing Key not found", { where: `Secret ${family.prefix}-N` });
      return { keyId: String(serialOf(family, secret.name)), privateKey: readPrivateKey(secret) };
    },
  };
}

/** The public part of a signing key, for verification. MM307 when the secret holds no RSA key. */
export function readPublicKey(secret: Resource): KeyObject {
  return createPublicKey(readPrivateKey(secret));
}

function readPrivateKey(secret: Resource): KeyObject {
  try {
    const key = createPrivateKey(secretText(secret));
    if (key.asymmetricKeyType === "rsa") return key;
  } catch {
    // The reason of the parser would only repeat that this is no key; it may quote parts of it.
  }
  throw new MeshError("MM307", `${secret.type} ${secret.name} holds no RSA private key in PEM`, {
    todo: "data must be base64 of what this prints: openssl genrsa -traditional 2048",
  });
}

async function newestSecret(store: ResourceStore, family: KeyFamily): Promise<Resource | undefined> {
  const { items } = await store.list(family.type, { mesh: family.mesh, nameContains: family.prefix });
  let newest: Resource | undefined;
  for (const secret of items) {
    const serial = serialOf(family, secret.name) ?? -1;
    if (serial > (newest ? (serialOf(family, newest.name) ?? -1) : -1)) newest = secret;
  }
  return newest;
}

async function makeFirstKey(store: ResourceStore, family: KeyFamily, mesh: string): Promise<void> {
  const owner: ResourceKey = { type: MESH, mesh: "", name: mesh };
  const secret = signingKeySecret(family, FIRST_SERIAL);
  // Asked before the work, so that requests for meshes that do not exist cost nothing.
  if (!secret || !(await store.get(owner))) throw new MeshError("MM404", `mesh "${mesh}" does not exist`);
  const { privateKey } = await generate("rsa", { modulusLength: MODULUS_LENGTH });
  const pem = String(privateKey.export({ type: "pkcs1", format: "pem" }));
  try {
    await store.put(secretDraft(secret, pem), { expectedVersion: 0, owner });
  } catch (error) {
    // Another control plane was faster; its key is as good.
    if (!isConflict(error)) throw error;
  }
}
