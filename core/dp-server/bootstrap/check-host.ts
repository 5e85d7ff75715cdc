import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { MeshError } from "../../kernel/errors.ts";
import { Memo } from "../../kernel/memo.ts";

/** The host of a `Host` header, without port and brackets. Empty when there is none. */
export function hostOfHeader(header: string | undefined): string {
  const bracketed = /^\[([^\]]*)\](?::\d+)?$/.exec(header ?? "");
  return bracketed?.[1] ?? (header ?? "").replace(/:\d+$/, "");
}

/**
 * A stock kuma-dp lets Envoy connect to the host it used itself, and Envoy checks the name. Better to say here that it
 * will not match than to leave it to Envoy's log. MM400 lists the names that would.
 */
export function checkHost(host: string, chain: string): void {
  const certificate = parsed(chain);
  const matches = isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host);
  if (matches !== undefined) return;
  const names = (certificate.subjectAltName ?? "").replaceAll("IP Address:", "").replaceAll("DNS:", "");
  throw new MeshError("MM400", `the certificate of the control plane does not cover "${host}"`, {
    why: `It covers ${names || "no names"}`,
    todo: `Use one of these in --cp-address, or add the name to the control plane: MONOMESH_DP_SERVER_HOSTS=${host}`,
  });
}

/** Nearly every sidecar asks about the same two certificates; parsing one takes 70 µs. */
const certificates = new Memo<string, X509Certificate>(16);

function parsed(pem: string): X509Certificate {
  return certificates.get(pem, () => new X509Certificate(pem));
}

const ONE_CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/** What Envoy is to trust must be able to sign. MM400 says which certificate cannot. */
export function checkCa(pem: string, what: string): void {
  const blocks = pem.match(ONE_CERTIFICATE);
  if (!blocks) throw new MeshError("MM400", `${what} holds no certificate in PEM`);
  for (const block of blocks) {
    let certificate: X509Certificate;
    try {
      certificate = parsed(block);
    } catch (cause) {
      throw new MeshError("MM400", `${what} cannot be read`, { why: (cause as Error).message });
    }
    if (!certificate.ca) {
      throw new MeshError("MM400", `${what} is no CA certificate`, {
        why: `"${certificate.subject || certificate.subjectAltName}" has the basic constraint CA=false`,
        todo: "Give the sidecar the certificate of the CA that signed it: --ca-cert-file",
      });
    }
  }
}
