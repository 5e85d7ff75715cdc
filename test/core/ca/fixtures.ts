import { generateKeyPairSync, type KeyObject, X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeCertificate } from "../../../core/ca/certificate-der.ts";
import type { TlsIdentity } from "../../../core/ca/control-plane-ca.ts";
import {
  createKeyPair,
  createSigningCa,
  issueCaCertificate,
  issueCertificate,
  type SigningCa,
} from "../../../core/ca/issue-certificate.ts";
import { keyPem } from "../../../core/ca/pem.ts";

export const DAY_MS = 24 * 3_600_000;

/** A directory that goes when the test ends. */
export function temporaryDirectory(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "monomesh-test-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

export function makeCa(commonName = "test CA", now = Date.now()): SigningCa {
  const pair = createKeyPair();
  return createSigningCa(issueCaCertificate(pair, { commonName }, now), pair.privateKey);
}

export interface LeafWishes {
  readonly hosts?: readonly string[];
  readonly notBefore?: number;
  readonly notAfter?: number;
  /** Leave the CA out of the chain. */
  readonly alone?: boolean;
}

/** A server identity of this CA; valid for a day, for localhost and 127.0.0.1, unless wished otherwise. */
export function makeServer(ca: SigningCa, wishes: LeafWishes = {}): TlsIdentity & { readonly leaf: X509Certificate } {
  const pair = createKeyPair();
  const leaf = issueCertificate(ca, {
    subject: { commonName: "server" },
    publicKey: pair.publicKey,
    hosts: wishes.hosts ?? ["localhost", "127.0.0.1"],
    server: true,
    client: false,
    notBefore: wishes.notBefore ?? Date.now() - DAY_MS,
    notAfter: wishes.notAfter ?? Date.now() + DAY_MS,
  });
  return { leaf, chain: wishes.alone ? leaf.toString() : `${leaf}${ca.certificate}`, key: keyPem(pair.privateKey) };
}

export interface KumaFiles {
  readonly certificate: X509Certificate;
  readonly certificatePem: string;
  readonly keyPem: string;
  readonly key: KeyObject;
}

/** What kuma-cp 2.14 makes for itself: self-signed, RSA-2048, no subject, names in it (contract, section 1.2). */
export function makeKumaFiles(directory: string, isCa = true): KumaFiles {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const content = {
    subject: {},
    publicKey,
    notBefore: Date.now() - 300_000,
    notAfter: Date.now() + 3650 * DAY_MS,
    isCa,
    hosts: ["old-host", "localhost", "127.0.0.1"],
    uris: [],
    server: true,
    client: false,
  };
  const certificate = new X509Certificate(encodeCertificate(content, privateKey, undefined));
  const files = {
    certificate,
    certificatePem: certificate.toString(),
    keyPem: String(privateKey.export({ type: "pkcs1", format: "pem" })),
    key: privateKey,
  };
  writeFileSync(join(directory, "kuma-cp.crt"), files.certificatePem);
  writeFileSync(join(directory, "kuma-cp.key"), files.keyPem, { mode: 0o600 });
  return files;
}
