import { createHash, type X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { type ConnectionOptions, connect } from "node:tls";
import type { ControlPlaneAddress } from "./address.ts";

/** How long an attempt to reach one of a name's addresses may take before the next is tried too. Node's 250 ms is less than some round trips. */
const NEXT_ADDRESS_MS = 1500;

/** No answer in time. */
export class NoAnswer extends Error {
  readonly code = "ETIMEDOUT";
}

/**
 * One TLS handshake; nothing is sent after it, and the connection is closed. Resolves with the certificates that the
 * server showed, its own first, each followed by its issuer; rejects with Node's error when the handshake fails or the
 * options do not accept the server.
 */
export function shakeHands(
  address: ControlPlaneAddress,
  options: ConnectionOptions,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<X509Certificate[]> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    // Node's types do not know that tls hands this on to net.
    const attempt = { autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_MS };
    const socket = connect({ ...options, ...attempt, host: address.host, port: address.port });
    const timer = setTimeout(() => finish(new NoAnswer(`no answer in ${timeoutMs} ms`)), timeoutMs);
    const onAbort = () => finish(signal.reason);
    const finish = (error: unknown, chain: X509Certificate[] = []) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      // Whatever the socket has to say later is of no interest.
      socket.on("error", () => undefined);
      if (error === undefined) {
        // The server is told that this was all, so that it does not take it for a broken connection.
        socket.destroySoon();
        resolve(chain);
      } else {
        socket.destroy();
        reject(error);
      }
    };
    signal.addEventListener("abort", onAbort);
    socket.once("error", finish);
    socket.once("secureConnect", () => finish(undefined, chainOf(socket.getPeerX509Certificate())));
  });
}

/** The server name that goes with TLS to a host: none for an IP address (RFC 6066). */
export function serverNameOf(host: string): { readonly servername?: string } {
  return isIP(host) === 0 ? { servername: host } : {};
}

/** SHA-256 of the certificate's public key (SubjectPublicKeyInfo, DER), lower-case hex: what a token's `cpCa` holds. */
export function publicKeyDigest(certificate: X509Certificate): string {
  return createHash("sha256")
    .update(certificate.publicKey.export({ type: "spki", format: "der" }))
    .digest("hex");
}

function chainOf(leaf: X509Certificate | undefined): X509Certificate[] {
  const chain: X509Certificate[] = [];
  for (let next = leaf; next && chain.length < 10; next = next.issuerCertificate) {
    if (chain.at(-1)?.fingerprint256 === next.fingerprint256) break;
    chain.push(next);
  }
  return chain;
}
