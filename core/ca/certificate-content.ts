import type { KeyObject } from "node:crypto";

/** Who a certificate is for. Empty parts are left out. */
export interface DistinguishedName {
  readonly commonName?: string | undefined;
  readonly organization?: string | undefined;
}

/** A name as another certificate has it, DER, with the identifier of its key. */
export interface EncodedName {
  readonly name: Uint8Array;
  readonly keyId: Uint8Array | undefined;
}

export interface CertificateContent {
  /** Encoded: the certificate takes the place of one with that name and key. */
  readonly subject: DistinguishedName | EncodedName;
  readonly publicKey: KeyObject;
  /** Milliseconds since 1970; certificates know whole seconds. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly isCa: boolean;
  /** DNS names and IP addresses. */
  readonly hosts: readonly string[];
  /** URIs such as `spiffe://default/redis`. */
  readonly uris: readonly string[];
  readonly server: boolean;
  readonly client: boolean;
}
