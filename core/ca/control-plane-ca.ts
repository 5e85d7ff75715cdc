import { token } from "../kernel/token.ts";

/** PEM texts for a TLS server; `chain` is the leaf followed by its CA, so that clients can verify by the CA's key. */
export interface TlsIdentity {
  readonly chain: string;
  readonly key: string;
}

/** What the control plane shows to its sidecars, at one moment. */
export interface ServerIdentity {
  /** `own`: signed by the CA in the store. `given`: the user's files, used as they are. */
  readonly origin: "own" | "given";
  /** CA certificate, PEM; if it is our own also in the work directory as `kuma-cp.crt`. */
  readonly certificate: string;
  /**
   * SHA-256 of the DER public key (SubjectPublicKeyInfo) of each certificate that a token may vouch for, lower-case hex.
   * Tokens carry it as `cpCa`. Of the user's own chain only the leaf: its issuer may sign for others too.
   */
  readonly publicKeyDigests: readonly string[];
  /** The server identity for these host names and addresses. */
  readonly identity: TlsIdentity;
  /** Names and addresses the server certificate covers. */
  readonly hosts: readonly string[];
}

/** The control plane's own CA: made once, kept in the store, shared by all control planes on it. Leaves are per instance. */
export interface ControlPlaneCa extends ServerIdentity {
  /** Calls back when the server identity was made anew; TLS servers take it over without closing a connection. */
  onChange(listener: (identity: TlsIdentity) => void): Disposable;
}

export const ControlPlaneCa = token<ControlPlaneCa>("ControlPlaneCa");
