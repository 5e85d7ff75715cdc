import type { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { hostname } from "node:os";
import { join } from "node:path";
import type { Clock } from "../kernel/clock.ts";
import type { TlsIdentity } from "./control-plane-ca.ts";
import { BACKDATE_MS, createKeyPair, issueCertificate, type SigningCa } from "./issue-certificate.ts";
import { readIfThere } from "./kuma-identity.ts";
import { keyPem, readCertificates, readPrivateKey } from "./pem.ts";
import { replaceFile } from "./write-file.ts";

const DAY_MS = 24 * 3_600_000;
/** Validity of the server certificate: 1 year. */
const VALIDITY_MS = 365 * DAY_MS;
/** It is made anew when less than this (30 days) is left. */
const RENEW_BEFORE_MS = 30 * DAY_MS;
const LEAF_FILE = "kuma-cp-server.pem";
/** RFC 5280, ub-common-name. */
const COMMON_NAME_LENGTH = 64;

/**
 * This instance's server certificate, signed by the CA. The one of the last start is taken from the work directory if
 * it covers all hosts, is of this CA and has 30 days left; else one is made and put there (mode 0600).
 */
export async function openServerLeaf(
  ca: SigningCa,
  workDir: string,
  hosts: readonly string[],
  clock: Clock,
): Promise<TlsIdentity> {
  const path = join(workDir, LEAF_FILE);
  const cached = await readIfThere(path);
  const kept = cached === undefined ? undefined : readLeaf(cached, ca, hosts, clock.now());
  if (kept) return kept;
  const pair = createKeyPair();
  const now = clock.now();
  const leaf = issueCertificate(ca, {
    subject: { organization: "monomesh", commonName: hostname().slice(0, COMMON_NAME_LENGTH) },
    publicKey: pair.publicKey,
    hosts,
    server: true,
    client: false,
    notBefore: now - BACKDATE_MS,
    notAfter: now + VALIDITY_MS,
  });
  const identity = { chain: `${leaf}${ca.certificate}`, key: keyPem(pair.privateKey) };
  await replaceFile(path, identity.key + identity.chain, 0o600);
  return identity;
}

/** A file that is damaged or no longer fits is no error: the certificate in it can be made again at any time. */
function readLeaf(text: string, ca: SigningCa, hosts: readonly string[], now: number): TlsIdentity | undefined {
  try {
    const leaf = readCertificates(text)[0];
    if (!leaf?.checkIssued(ca.certificate) || !leaf.verify(ca.certificate.publicKey)) return undefined;
    const left = leaf.validToDate.getTime() - now;
    if (left < RENEW_BEFORE_MS || left > VALIDITY_MS + DAY_MS || leaf.validFromDate.getTime() > now) return undefined;
    const key = readPrivateKey(text);
    if (!leaf.checkPrivateKey(key) || !hosts.every((host) => covers(leaf, host))) return undefined;
    return { chain: `${leaf}${ca.certificate}`, key: keyPem(key) };
  } catch {
    return undefined;
  }
}

/** Whether a client that asks for this host accepts the certificate's names. */
export function covers(certificate: X509Certificate, host: string): boolean {
  return (
    (isIP(host) === 0 ? certificate.checkHost(host, { subject: "never" }) : certificate.checkIP(host)) !== undefined
  );
}
