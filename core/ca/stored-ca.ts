import type { X509Certificate } from "node:crypto";
import { isConflict, secretDraft, secretText } from "../auth/secret-text.ts";
import type { Clock } from "../kernel/clock.ts";
import { MeshError } from "../kernel/errors.ts";
import type { Resource, ResourceKey } from "../model/resource.ts";
import type { ResourceStore } from "../store/resource-store.ts";
import {
  createKeyPair,
  createSigningCa,
  issueCaCertificate,
  renewCaCertificate,
  type SigningCa,
} from "./issue-certificate.ts";
import { keyPem, publicKeyDigest, readCertificates, readPrivateKey } from "./pem.ts";

/**
 * Where the control plane's CA is kept: certificate and key, PEM, one after the other. It signs control planes and nothing
 * else: a sidecar that knows it by its token accepts whatever it signed, under any name.
 */
export const CA_SECRET: ResourceKey = { type: "GlobalSecret", mesh: "", name: "monomesh-cp-ca" };

/** A CA certificate with less time left than this (2 years) is made anew with the same name and key. */
const RENEW_BEFORE_MS = 2 * 365 * 24 * 3_600_000;

/**
 * The CA in the store; made there if there is none, from `seed` if given. Control planes that start at once agree: only
 * the first write succeeds. A CA that runs out, or was made by a clock that was wrong, gets a new certificate for the
 * same key, so that tokens which carry the key's digest stay good.
 */
export async function openStoredCa(
  store: ResourceStore,
  clock: Clock,
  seed: SigningCa | undefined,
): Promise<SigningCa> {
  // Each round that ends in a conflict means that another control plane wrote; three of them never happen in earnest.
  for (let round = 0; round < 5; round++) {
    const secret = await store.get(CA_SECRET);
    const stored = secret && readStoredCa(secret);
    if (stored && isFresh(stored.certificate, clock.now())) return stored;
    const next = stored ? renewed(stored, clock.now()) : (seed ?? createCa(clock.now()));
    const text = `${next.certificate}${keyPem(next.key)}`;
    try {
      await store.put(secretDraft(CA_SECRET, text), { expectedVersion: secret?.version ?? 0 });
      return next;
    } catch (error) {
      if (!isConflict(error)) throw error;
    }
  }
  throw new MeshError("MM409", `${CA_SECRET.type} ${CA_SECRET.name} is written all the time by somebody else`);
}

function readStoredCa(secret: Resource): SigningCa {
  try {
    const text = secretText(secret);
    const certificate = readCertificates(text)[0];
    if (!certificate) throw new Error("there is no certificate in it");
    const key = readPrivateKey(text);
    if (!certificate.checkPrivateKey(key)) throw new Error("the key does not belong to the certificate");
    return createSigningCa(certificate, key);
  } catch (cause) {
    throw new MeshError("MM321", `the control plane's CA in ${CA_SECRET.type} ${CA_SECRET.name} cannot be used`, {
      why: (cause as Error).message,
      todo: `Put back a good one, or delete it for a new CA: all tokens must be made anew then.`,
      cause,
    });
  }
}

function isFresh(certificate: X509Certificate, now: number): boolean {
  return certificate.validFromDate.getTime() <= now && certificate.validToDate.getTime() - now > RENEW_BEFORE_MS;
}

function renewed(ca: SigningCa, now: number): SigningCa {
  return createSigningCa(renewCaCertificate(ca, now), ca.key);
}

function createCa(now: number): SigningCa {
  const pair = createKeyPair();
  // The name tells CAs of several sites apart, for people and for stores that find an issuer by its name.
  const digest = publicKeyDigest(pair.publicKey).slice(0, 8);
  const subject = { organization: "monomesh", commonName: `monomesh control plane CA ${digest}` };
  return createSigningCa(issueCaCertificate(pair, subject, now), pair.privateKey);
}
