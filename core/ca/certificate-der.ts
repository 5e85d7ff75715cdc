import { createHash, type KeyObject, randomBytes, sign } from "node:crypto";
import type { CertificateContent, DistinguishedName, EncodedName } from "./certificate-content.ts";
import { EXTENSION, extensions } from "./certificate-extensions.ts";
import {
  derBitString,
  derInteger,
  derNull,
  derObjectId,
  derSequence,
  derSet,
  derTagged,
  derTime,
  derUtf8String,
  readDer,
} from "./der.ts";

const COMMON_NAME = "2.5.4.3";
const ORGANIZATION = "2.5.4.10";
const VERSION_3 = derTagged(0, derInteger(Uint8Array.of(2)));
/** Tag of `[3] EXPLICIT`, the extensions, and of `[0]`, the version, in a certificate. */
const TAG_EXTENSIONS = 0xa3;
const TAG_VERSION = 0xa0;

/** Encodes and signs a certificate, DER. The signing key is EC P-256, P-384 or RSA. Without an issuer it signs itself. */
export function encodeCertificate(
  content: CertificateContent,
  signingKey: KeyObject,
  issuer: EncodedName | undefined,
): Buffer {
  const { hash, identifier } = signatureAlgorithm(signingKey);
  const publicKey = content.publicKey.export({ type: "spki", format: "der" });
  const encoded = "name" in content.subject ? content.subject : undefined;
  const subject = encoded ? encoded.name : encodeName(content.subject as DistinguishedName);
  const keyId = encoded?.keyId ?? keyIdentifier(publicKey);
  const toBeSigned = derSequence(
    VERSION_3,
    derInteger(randomSerial()),
    identifier,
    issuer ? issuer.name : subject,
    derSequence(derTime(content.notBefore), derTime(content.notAfter)),
    subject,
    publicKey,
    derTagged(3, derSequence(...extensions(content, keyId, issuer ? issuer.keyId : keyId))),
  );
  return derSequence(toBeSigned, identifier, derBitString(sign(hash, toBeSigned, signingKey)));
}

/** The subject of a certificate (DER) and the identifier of its key, if it names one. */
export function readSubject(certificate: Uint8Array): EncodedName {
  const parts = inside(inside(readDer(certificate)[0])[0]);
  const subject = parts[parts[0]?.tag === TAG_VERSION ? 5 : 4];
  if (!subject) throw new Error("the certificate has no subject");
  const wanted = derObjectId(EXTENSION.subjectKeyIdentifier);
  for (const extension of inside(inside(parts.find((part) => part.tag === TAG_EXTENSIONS))[0])) {
    const [id, ...rest] = inside(extension);
    if (!id || !wanted.equals(id.encoded)) continue;
    const keyId = inside(rest.at(-1))[0];
    if (keyId) return { name: subject.encoded, keyId: keyId.content };
  }
  return { name: subject.encoded, keyId: undefined };
}

function inside(value: { readonly content: Uint8Array } | undefined) {
  return value ? readDer(value.content) : [];
}

function encodeName(name: DistinguishedName): Buffer {
  const attribute = (id: string, text: string | undefined) =>
    text ? [derSet(derSequence(derObjectId(id), derUtf8String(text)))] : [];
  return derSequence(...attribute(ORGANIZATION, name.organization), ...attribute(COMMON_NAME, name.commonName));
}

function signatureAlgorithm(key: KeyObject): { readonly hash: string; readonly identifier: Buffer } {
  if (key.asymmetricKeyType === "rsa") {
    return { hash: "sha256", identifier: derSequence(derObjectId("1.2.840.113549.1.1.11"), derNull()) };
  }
  if (key.asymmetricKeyType === "ec") {
    return key.asymmetricKeyDetails?.namedCurve === "secp384r1"
      ? { hash: "sha384", identifier: derSequence(derObjectId("1.2.840.10045.4.3.3")) }
      : { hash: "sha256", identifier: derSequence(derObjectId("1.2.840.10045.4.3.2")) };
  }
  throw new Error(`a CA key of type ${key.asymmetricKeyType ?? key.type} cannot sign certificates`);
}

/** RFC 7093, method 1: the first 160 bits of the SHA-256 of the public key's bits. */
function keyIdentifier(subjectPublicKeyInfo: Uint8Array): Uint8Array {
  const bits = inside(readDer(subjectPublicKeyInfo)[0])[1];
  if (!bits) throw new Error("the public key has no bits");
  return createHash("sha256").update(bits.content.subarray(1)).digest().subarray(0, 20);
}

/** 126 random bits, always positive and never shorter than 16 bytes. */
function randomSerial(): Uint8Array {
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  return serial;
}
