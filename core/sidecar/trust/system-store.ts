import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** Where distributions keep the certificates that the machine trusts, in one file. */
const BUNDLES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/pki/tls/cacert.pem",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

/**
 * The certificates that this machine trusts, PEM, as OpenSSL and Go find them: `SSL_CERT_FILE` or else the first bundle
 * that is there, and the files of `SSL_CERT_DIR`. Node's own list is not the machine's. Undefined when there are none.
 */
export async function readSystemStore(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const files = env["SSL_CERT_FILE"] ? [env["SSL_CERT_FILE"]] : BUNDLES;
  const parts: string[] = [];
  for (const file of files) {
    const text = await readText(file);
    if (text === undefined) continue;
    parts.push(text);
    break;
  }
  for (const directory of env["SSL_CERT_DIR"]?.split(":").filter(Boolean) ?? []) {
    const names = await readdir(directory).catch(() => []);
    for (const name of names) parts.push((await readText(join(directory, name))) ?? "");
  }
  const text = parts.filter((part) => part.includes("-----BEGIN CERTIFICATE-----")).join("\n");
  return text || undefined;
}

async function readText(path: string): Promise<string | undefined> {
  return await readFile(path, "utf8").catch(() => undefined);
}
