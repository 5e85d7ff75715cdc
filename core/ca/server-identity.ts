import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../kernel/clock.ts";
import type { Logger } from "../kernel/log.ts";
import type { ResourceStore } from "../store/resource-store.ts";
import type { ServerIdentity } from "./control-plane-ca.ts";
import { type GivenFiles, readGivenIdentity } from "./given-identity.ts";
import type { SigningCa } from "./issue-certificate.ts";
import { CERTIFICATE_FILE, findKumaIdentity, type KumaIdentity } from "./kuma-identity.ts";
import { configuredHosts, machineHosts } from "./machine-hosts.ts";
import { publicKeyDigest } from "./pem.ts";
import { openServerLeaf } from "./server-leaf.ts";
import { CA_SECRET, openStoredCa } from "./stored-ca.ts";
import { replaceFile } from "./write-file.ts";

export interface ServerIdentityOptions {
  readonly store: ResourceStore;
  /** `general.workDir`. If a real kuma-cp left its certificate and key there, they are taken over as the CA. */
  readonly workDir: string;
  /** Further names and addresses for the certificate (`dpServer.hosts`). */
  readonly hosts: readonly string[];
  readonly clock: Clock;
  readonly log: Logger;
  /** The user's own certificate: nothing is made then. */
  readonly given?: GivenFiles | undefined;
  /** Names and addresses of this machine; for tests. */
  readonly machineHosts?: (() => readonly string[]) | undefined;
}

/** Loads what the control plane shows to its sidecars; makes what is missing and writes the CA's file. */
export async function loadServerIdentity(options: ServerIdentityOptions): Promise<ServerIdentity> {
  if (options.given) return givenIdentity(options, options.given);
  const kuma = await findKumaIdentity(options.workDir);
  // Kuma serves whatever lies there; a certificate that may not sign can only do the same here.
  if (kuma && !kuma.ca) return givenIdentity(options, kuma);
  const ca = await openStoredCa(options.store, options.clock, kuma?.ca);
  await writeCaFile(options, ca, kuma);
  const hosts = [...new Set([...configuredHosts(options.hosts), ...(options.machineHosts ?? machineHosts)()])];
  return {
    origin: "own",
    certificate: ca.certificate.toString(),
    publicKeyDigests: [publicKeyDigest(ca.certificate.publicKey)],
    identity: await openServerLeaf(ca, options.workDir, hosts, options.clock),
    hosts,
  };
}

async function givenIdentity(options: ServerIdentityOptions, files: GivenFiles): Promise<ServerIdentity> {
  const { identity, leaf, top } = await readGivenIdentity(files);
  const now = options.clock.now();
  if (leaf.validToDate.getTime() <= now || leaf.validFromDate.getTime() > now) {
    const period = `${leaf.validFromDate.toISOString()} to ${leaf.validToDate.toISOString()}`;
    options.log.warn("certificate", `${files.certFile} is not valid now, only from ${period}`);
  }
  return {
    origin: "given",
    certificate: top.toString(),
    publicKeyDigests: [publicKeyDigest(leaf.publicKey)],
    identity,
    hosts: subjectAltNames(leaf.subjectAltName),
  };
}

/** Puts the CA certificate where people look for it. A file of another CA whose key lies beside it is left alone. */
async function writeCaFile(options: ServerIdentityOptions, ca: SigningCa, kuma: KumaIdentity | undefined) {
  const path = join(options.workDir, CERTIFICATE_FILE);
  if (kuma?.ca && publicKeyDigest(kuma.ca.certificate.publicKey) !== publicKeyDigest(ca.certificate.publicKey)) {
    const text = `${path} is another CA than the one in the store, which is used. To take over the file's, delete ${CA_SECRET.type} ${CA_SECRET.name} and start again`;
    options.log.warn("certificate", text);
    return;
  }
  const text = ca.certificate.toString();
  const present = await readFile(path, "utf8").catch(() => undefined);
  if (present !== text) await replaceFile(path, text, 0o644);
}

/** `DNS:a, IP Address:127.0.0.1` as a list of hosts; other kinds of names are left out. */
function subjectAltNames(text: string | undefined): string[] {
  return (text ?? "").split(", ").flatMap((entry) => /^(?:DNS|IP Address):(.+)$/.exec(entry)?.[1] ?? []);
}
