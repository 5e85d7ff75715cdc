import { isIP } from "node:net";
import { canonicalHost } from "../model/ip-address.ts";
import type { CertificateContent } from "./certificate-content.ts";
import { derBitString, derImplicit, derInteger, derObjectId, derOctetString, derSequence, derTrue } from "./der.ts";

export const EXTENSION = {
  subjectKeyIdentifier: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  authorityKeyIdentifier: "2.5.29.35",
  extendedKeyUsage: "2.5.29.37",
} as const;

const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";

/** The extensions of a certificate (RFC 5280, section 4.2). */
export function extensions(
  content: CertificateContent,
  keyId: Uint8Array,
  issuerKeyId: Uint8Array | undefined,
): Buffer[] {
  const purposes = [content.server ? SERVER_AUTH : "", content.client ? CLIENT_AUTH : ""].filter(Boolean);
  const names = [
    ...content.hosts.map(encodeHost),
    ...content.uris.map((uri) => derImplicit(6, Buffer.from(uri, "latin1"))),
  ];
  const anonymous = !("name" in content.subject || content.subject.commonName || content.subject.organization);
  const list = [
    extension(EXTENSION.basicConstraints, true, basicConstraints(content.isCa)),
    extension(EXTENSION.keyUsage, true, keyUsage(content)),
    extension(EXTENSION.subjectKeyIdentifier, false, derOctetString(keyId)),
  ];
  if (issuerKeyId) {
    list.push(extension(EXTENSION.authorityKeyIdentifier, false, derSequence(derImplicit(0, issuerKeyId))));
  }
  if (purposes.length > 0) {
    list.push(extension(EXTENSION.extendedKeyUsage, false, derSequence(...purposes.map(derObjectId))));
  }
  // RFC 5280, section 4.1.2.6: critical when the subject is empty.
  if (names.length > 0) list.push(extension(EXTENSION.subjectAltName, anonymous, derSequence(...names)));
  return list;
}

/** digitalSignature for who takes part in TLS, keyCertSign and cRLSign for a CA; bits 0, 5 and 6. */
function keyUsage(content: CertificateContent): Buffer {
  const endUsage = content.server || content.client || !content.isCa ? 0x80 : 0;
  return content.isCa ? derBitString(Uint8Array.of(endUsage | 0x06), 1) : derBitString(Uint8Array.of(endUsage), 7);
}

/** A CA of ours signs end certificates only: path length 0. */
function basicConstraints(isCa: boolean): Buffer {
  return isCa ? derSequence(derTrue(), derInteger(Uint8Array.of(0))) : derSequence();
}

function extension(id: string, critical: boolean, value: Uint8Array): Buffer {
  return derSequence(derObjectId(id), ...(critical ? [derTrue()] : []), derOctetString(value));
}

function encodeHost(host: string): Buffer {
  return isIP(host) === 0 ? derImplicit(2, Buffer.from(host, "latin1")) : derImplicit(7, addressBytes(host));
}

/** Network byte order, 4 or 16 bytes. */
function addressBytes(address: string): Uint8Array {
  const canonical = canonicalHost(address);
  if (isIP(canonical) === 4) return Uint8Array.from(canonical.split(".").map(Number));
  const [head = "", tail = ""] = canonical.split("::");
  const left = head.split(":").filter(Boolean);
  const right = tail.split(":").filter(Boolean);
  const groups = [...left, ...Array<string>(8 - left.length - right.length).fill("0"), ...right];
  return Uint8Array.from(
    groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]),
  );
}
