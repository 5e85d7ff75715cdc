import type { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { MeshError } from "../kernel/errors.ts";
import type { TlsIdentity } from "./control-plane-ca.ts";
import { readCertificates, readPrivateKey } from "./pem.ts";

/** Certificate and key that the user gave (`general.tlsCertFile`, `general.tlsKeyFile` or those of `dpServer`). */
export interface GivenFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

export interface GivenIdentity {
  readonly identity: TlsIdentity;
  readonly leaf: X509Certificate;
  /** The last certificate of the chain: the one to hand to a sidecar as CA. */
  readonly top: X509Certificate;
}

/** Reads and checks the files; MM201 names the file and what is wrong with it. Dates are the caller's to judge. */
export async function readGivenIdentity(files: GivenFiles): Promise<GivenIdentity> {
  const chain = await readOrRefuse(files.certFile, "general.tlsCertFile");
  const key = await readOrRefuse(files.keyFile, "general.tlsKeyFile");
  const certificates = orRefuse(files.certFile, () => readCertificates(chain));
  const leaf = certificates[0];
  const top = certificates.at(-1);
  if (!leaf || !top) throw refusal(files.certFile, "there is no certificate in PEM in it");
  const privateKey = orRefuse(files.keyFile, () => readPrivateKey(key));
  if (!leaf.checkPrivateKey(privateKey)) {
    throw refusal(files.keyFile, `it is not the key of the first certificate in ${files.certFile}`);
  }
  return { identity: { chain, key }, leaf, top };
}

async function readOrRefuse(path: string, setting: string): Promise<string> {
  if (!path) throw new MeshError("MM201", `${setting} is not set`, { why: "Certificate and key go together." });
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw refusal(path, (cause as Error).message, cause);
  }
}

function orRefuse<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw refusal(path, (cause as Error).message, cause);
  }
}

function refusal(path: string, why: string, cause?: unknown): MeshError {
  return new MeshError("MM201", `${path} cannot be used for TLS`, { why, cause });
}
