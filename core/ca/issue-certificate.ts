import { generateKeyPairSync, type KeyObject, X509Certificate } from "node:crypto";
import type { DistinguishedName, EncodedName } from "./certificate-content.ts";
import { encodeCertificate, readSubject } from "./certificate-der.ts";

const YEAR_MS = 365 * 24 * 3_600_000;

/** Validity of a CA certificate that monomesh makes: 10 years. */
export const CA_VALIDITY_MS = 10 * YEAR_MS;
/** Certificates begin this much before they are made (24 h), for machines whose clock is late. */
export const BACKDATE_MS = 24 * 3_600_000;

/** A CA that can sign; made by `createSigningCa`. */
export interface SigningCa {
  readonly certificate: X509Certificate;
  readonly key: KeyObject;
  readonly subject: EncodedName;
}

export function createSigningCa(certificate: X509Certificate, key: KeyObject): SigningCa {
  return { certificate, key, subject: readSubject(certificate.raw) };
}

export interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/** What an end certificate says: a server, a client, or both as in mTLS between proxies. */
export interface EndCertificate {
  readonly subject: DistinguishedName;
  readonly publicKey: KeyObject;
  readonly hosts?: readonly string[] | undefined;
  readonly uris?: readonly string[] | undefined;
  readonly server: boolean;
  readonly client: boolean;
  /** Milliseconds since 1970. `notAfter` is cut at the CA's. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** A new ECDSA P-256 key pair; about 0.1 ms. */
export function createKeyPair(): KeyPair {
  return generateKeyPairSync("ec", { namedCurve: "P-256" });
}

/** A self-signed CA certificate, valid for `CA_VALIDITY_MS` from `now` (milliseconds since 1970). */
export function issueCaCertificate(pair: KeyPair, subject: DistinguishedName, now: number): X509Certificate {
  return selfSigned(pair, subject, now);
}

/** The same CA with a new validity: name, key and key identifier stay, so what it signed and who pinned its key stay valid. */
export function renewCaCertificate(ca: SigningCa, now: number): X509Certificate {
  const pair = { publicKey: ca.certificate.publicKey, privateKey: ca.key };
  return selfSigned(pair, ca.subject, now);
}

/** Signs an end certificate. */
export function issueCertificate(ca: SigningCa, content: EndCertificate): X509Certificate {
  const der = encodeCertificate(
    {
      ...content,
      hosts: content.hosts ?? [],
      uris: content.uris ?? [],
      isCa: false,
      notAfter: Math.min(content.notAfter, ca.certificate.validToDate.getTime()),
    },
    ca.key,
    ca.subject,
  );
  return new X509Certificate(der);
}

function selfSigned(pair: KeyPair, subject: DistinguishedName | EncodedName, now: number): X509Certificate {
  const content = {
    subject,
    publicKey: pair.publicKey,
    notBefore: now - BACKDATE_MS,
    notAfter: now + CA_VALIDITY_MS,
    isCa: true,
    hosts: [],
    uris: [],
    server: false,
    client: false,
  };
  return new X509Certificate(encodeCertificate(content, pair.privateKey, undefined));
}
