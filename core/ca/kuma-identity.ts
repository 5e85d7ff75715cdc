import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { MeshError } from "../kernel/errors.ts";
import { createSigningCa, type SigningCa } from "./issue-certificate.ts";
import { readCertificates, readPrivateKey } from "./pem.ts";

export const CERTIFICATE_FILE = "kuma-cp.crt";
const KEY_FILE = "kuma-cp.key";

/** What a real kuma-cp left in its work directory (contract, section 1.2). */
export interface KumaIdentity {
  readonly certFile: string;
  readonly keyFile: string;
  /** Absent when the certificate may not sign: then it can only serve as it is. */
  readonly ca: SigningCa | undefined;
}

/** Finds `kuma-cp.crt` and `kuma-cp.key`; undefined unless both are there and not empty. MM201 when they are broken. */
export async function findKumaIdentity(workDir: string): Promise<KumaIdentity | undefined> {
  const certFile = join(workDir, CERTIFICATE_FILE);
  const keyFile = join(workDir, KEY_FILE);
  const [certificatePem, keyPem] = await Promise.all([readIfThere(certFile), readIfThere(keyFile)]);
  if (!certificatePem?.trim() || !keyPem?.trim()) return undefined;
  try {
    const certificate = readCertificates(certificatePem)[0];
    if (!certificate) throw new Error("there is no certificate in it");
    const key = readPrivateKey(keyPem);
    if (!certificate.checkPrivateKey(key)) throw new Error("the key does not belong to the certificate");
    return { certFile, keyFile, ca: certificate.ca ? createSigningCa(certificate, key) : undefined };
  } catch (cause) {
    throw new MeshError("MM201", `${certFile} and ${KEY_FILE} cannot be used`, {
      why: (cause as Error).message,
      todo: "Move both away: a CA is made then.",
      cause,
    });
  }
}

/** The file's text, or undefined when it does not exist. */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new MeshError("MM105", `cannot read ${path}`, { why: (error as Error).message, cause: error });
  }
}
