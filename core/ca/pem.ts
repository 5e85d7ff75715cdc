import { createHash, createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;
const PRIVATE_KEY = /-----BEGIN ((?:[A-Z]+ )?PRIVATE KEY)-----[\s\S]+?-----END \1-----/;

/** All certificates of a PEM text, in its order. Throws when one of them cannot be read. */
export function readCertificates(pem: string): X509Certificate[] {
  return (pem.match(CERTIFICATE) ?? []).map((block) => new X509Certificate(block));
}

/** The first private key of a PEM text. Throws when there is none or it needs a passphrase. */
export function readPrivateKey(pem: string): KeyObject {
  const block = PRIVATE_KEY.exec(pem)?.[0];
  if (!block) throw new Error("there is no unencrypted private key in PEM");
  return createPrivateKey(block);
}

/** PKCS#8 PEM. */
export function keyPem(key: KeyObject): string {
  return String(key.export({ type: "pkcs8", format: "pem" }));
}

/** SHA-256 of a public key (SubjectPublicKeyInfo, DER), lower-case hex. */
export function publicKeyDigest(key: KeyObject): string {
  return createHash("sha256")
    .update(key.export({ type: "spki", format: "der" }))
    .digest("hex");
}
