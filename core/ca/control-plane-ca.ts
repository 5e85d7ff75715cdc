import { token } from "../kernel/token.ts";

/** PEM texts for a TLS server; `chain` is the leaf followed by its CA, so that clients can verify by the CA's key. */
export interface TlsIdentity {
  readonly chain: string;
  readonly key: string;
}

/** The control plane's own CA: made once, kept in the store, shared by all control planes on it. Leaves are per instance. */
export interface ControlPlaneCa {
  /** CA certificate, PEM; also written to the work directory as `kuma-cp.crt`. */
  readonly certificate: string;
  /** SHA-256 of the DER public key (SubjectPublicKeyInfo) of each CA certificate that is or may soon be in use, lower-case hex. Tokens carry it as `cpCa`. */
  readonly publicKeyDigests: readonly string[];
  /** The server identity for these host names and addresses. */
  readonly identity: TlsIdentity;
  /** Names and addresses the server certificate covers. */
  readonly hosts: readonly string[];
}

export const ControlPlaneCa = token<ControlPlaneCa>("ControlPlaneCa");
