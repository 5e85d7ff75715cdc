import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { MeshError } from "../../kernel/errors.ts";

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** Reads `--ca-cert-file`; MM105 when it cannot be read or holds no certificate. */
export async function readCaFile(path: string): Promise<string> {
  let pem: string;
  try {
    pem = await readFile(path, "utf8");
  } catch (cause) {
    throw new MeshError("MM105", `cannot read the CA file ${path}`, { why: (cause as Error).message, cause });
  }
  return checkCa(pem, `the CA file ${path}`);
}

/** Returns the certificates of a PEM text and leaves out what else is in it; MM105 says what is wrong with `source`. */
export function checkCa(pem: string, source: string): string {
  const blocks = pem.match(CERTIFICATE) ?? [];
  try {
    for (const block of blocks) new X509Certificate(block);
  } catch (cause) {
    throw new MeshError("MM105", `${source} holds a certificate that cannot be read`, {
      why: (cause as Error).message,
      cause,
    });
  }
  if (blocks.length > 0) return `${blocks.join("\n")}\n`;
  throw new MeshError("MM105", `${source} holds no certificate in PEM`, {
    todo: "The control plane's is kuma-cp.crt in its work directory.",
  });
}
