import type { X509Certificate } from "node:crypto";
import { isIP, type LookupFunction } from "node:net";
import { type ConnectionOptions, checkServerIdentity } from "node:tls";
import { type Clock, systemClock } from "../../kernel/clock.ts";
import { API_PORT, type ControlPlaneAddress, parseAddress } from "./address.ts";
import { checkCa } from "./ca-file.ts";
import { connectionProblem, type Limits } from "./connection-problems.ts";
import { publicKeyDigest, serverNameOf, shakeHands } from "./handshake.ts";
import { readSystemStore } from "./system-store.ts";
import { decodeToken } from "./token-claims.ts";
import { claimText, hintsFor, isVerdict, LEAVE_OUT_CA, untrusted, verdictText, WAYS_OUT } from "./trust-problems.ts";

/** Time for a handshake (4 s); one more second may go into finding out why there is none. */
const TIMEOUT_MS = 4000;

export interface TrustOptions {
  /** `--cp-address`: `https://10.0.0.11:5678`. */
  readonly address: string;
  /** This record of the address's name, and no other. */
  readonly ip?: string | undefined;
  /** PEM; then nothing else counts, and the certificate's name must match. */
  readonly caCert?: string | undefined;
  /** The sidecar's token: its claim `cpCa` names the keys of the control plane that made it. */
  readonly token?: string | undefined;
  /** `--skip-verify`: whoever answers is trusted. */
  readonly skipVerify?: boolean | undefined;
  readonly signal: AbortSignal;
  readonly clock?: Clock | undefined;
  /** For `SSL_CERT_FILE` and `SSL_CERT_DIR`. Default: the process's. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** For one handshake, milliseconds. Default 4000. */
  readonly timeoutMs?: number | undefined;
  /** Where the control plane's REST API is looked for when nobody answers at `address`. Default 5681. */
  readonly apiPort?: number | undefined;
}

export type TrustKind = "given-ca" | "token-claim" | "system" | "skip-verify";

/** How the control plane is recognised from now on. */
export interface Trust {
  readonly kind: TrustKind;
  readonly address: ControlPlaneAddress;
  /** The record of the address's name that is meant; undefined: any. */
  readonly ip: string | undefined;
  /** For every connection (`tls.connect`, `https.request`, `http2.connect`): only who was recognised is accepted. */
  readonly tlsOptions: ConnectionOptions;
  /** The CA for the bootstrap request's `caCert` (contract, section 3.1); empty when there is none to name. */
  readonly caPem: string;
  /** `verified by the CA digest in the token`. */
  describe(): string;
}

const DESCRIPTIONS: Readonly<Record<TrustKind, string>> = {
  "given-ca": "verified by the given CA",
  "token-claim": "verified by the CA digest in the token",
  system: "verified by the system's certificates",
  "skip-verify": "not verified (--skip-verify)",
};

/** Why a way to trust the server is none. */
interface Reason {
  readonly way: string;
  readonly why: string;
  readonly kind?: undefined;
}

/** One way to trust the server, ready to be tried. */
interface Way {
  readonly kind: TrustKind;
  readonly label: string;
  readonly tlsOptions: ConnectionOptions;
  readonly caPem: string;
}

/**
 * Finds out how the control plane can be trusted: by the CA that was given, else by the digests in the token, else by the
 * system's certificates (docs/trust.md). The first handshake only looks at the certificates; the way that fits is then
 * proved by a handshake of its own, verified by OpenSSL. Nothing is sent in either. Call it again when a later connection
 * is not accepted: the control plane may have another certificate by then. Rejects with MM100, MM105, MM120, MM121 or MM320.
 */
export async function openTrust(options: TrustOptions): Promise<Trust> {
  const address = parseAddress(options.address);
  const caPem = options.caCert === undefined ? undefined : checkCa(options.caCert, "the given CA");
  const anyone = { minVersion: "TLSv1.2", rejectUnauthorized: false, ...serverNameOf(address.host) } as const;
  const chain = await look(options, address, anyone);
  if (options.skipVerify) {
    return trustOf({ kind: "skip-verify", label: "", tlsOptions: anyone, caPem: "" }, address, options.ip);
  }

  const cpCa = options.token ? (decodeToken(options.token)?.cpCa ?? []) : undefined;
  const reasons: Reason[] = [];
  const hints: string[] = [];
  const ways: (() => Promise<Way | Reason>)[] =
    caPem === undefined
      ? [async () => claimWay(cpCa, chain, address), () => systemWay(options, address)]
      : [async () => givenWay(caPem, address)];
  for (const prepare of ways) {
    const way = await prepare();
    if ("why" in way) {
      reasons.push(way);
      continue;
    }
    const verdict = await tryWay(way, options, address);
    if (!verdict) return trustOf(way, address, options.ip);
    const now = (options.clock ?? systemClock).now();
    reasons.push({ way: way.label, why: verdictText(verdict, chain, address.host, now) });
    hints.push(...hintsFor(verdict));
  }
  if (caPem !== undefined && claimWay(cpCa, chain, address).kind) hints.push(LEAVE_OUT_CA);
  throw untrusted(address, chain, reasons, [...hints, ...WAYS_OUT]);
}

function givenWay(caPem: string, { host }: ControlPlaneAddress): Way {
  const tlsOptions = { ...verified(host), ca: caPem, allowPartialTrustChain: true };
  return { kind: "given-ca", label: "given CA", tlsOptions, caPem };
}

/**
 * The certificate whose key the token names becomes the only trust anchor. Whether the server's own certificate really
 * descends from it, only the handshake shows. Its name does not matter: the key is known, and no other key will do.
 */
function claimWay(
  cpCa: readonly string[] | undefined,
  chain: readonly X509Certificate[],
  { host }: ControlPlaneAddress,
): Way | Reason {
  const anchor = chain.find((each) => cpCa?.includes(publicKeyDigest(each)));
  if (!anchor) return { way: "token", why: claimText(cpCa, chain) };
  const pem = anchor.toString();
  const tlsOptions = { ...verified(host), ca: pem, allowPartialTrustChain: true, checkServerIdentity: () => undefined };
  return { kind: "token-claim", label: "token", tlsOptions, caPem: anchor.ca ? pem : "" };
}

async function systemWay(options: TrustOptions, { host }: ControlPlaneAddress): Promise<Way | Reason> {
  const ca = await readSystemStore(options.env ?? process.env);
  if (ca === undefined) return { way: "system", why: "this machine has no store of certificates" };
  return { kind: "system", label: "system", tlsOptions: { ...verified(host), ca }, caPem: "" };
}

function verified(host: string): ConnectionOptions {
  return {
    minVersion: "TLSv1.2",
    rejectUnauthorized: true,
    ...serverNameOf(host),
    checkServerIdentity: (_name, certificate) => checkServerIdentity(host, certificate),
  };
}

/** Undefined when the handshake succeeds, the verdict when the server is not accepted; rejects when it cannot be reached. */
async function tryWay(way: Way, options: TrustOptions, address: ControlPlaneAddress) {
  try {
    await shakeHands(address, pinned(way.tlsOptions, options.ip), limitsOf(options).timeoutMs, options.signal);
    return undefined;
  } catch (error) {
    if (isVerdict((error as NodeJS.ErrnoException).code ?? "")) return error as NodeJS.ErrnoException;
    throw await connectionProblem(error, address, limitsOf(options));
  }
}

/** The certificates that the server shows, whoever it is. */
async function look(options: TrustOptions, address: ControlPlaneAddress, tlsOptions: ConnectionOptions) {
  try {
    return await shakeHands(address, pinned(tlsOptions, options.ip), limitsOf(options).timeoutMs, options.signal);
  } catch (error) {
    throw await connectionProblem(error, address, limitsOf(options));
  }
}

function limitsOf({ timeoutMs = TIMEOUT_MS, apiPort = API_PORT }: TrustOptions): Limits {
  return { timeoutMs, apiPort };
}

function trustOf(way: Way, address: ControlPlaneAddress, ip: string | undefined): Trust {
  const { kind, caPem } = way;
  const tlsOptions = pinned(way.tlsOptions, ip);
  return { kind, address, ip, tlsOptions, caPem, describe: () => DESCRIPTIONS[kind] };
}

/** With an `ip` the name is not looked up any more; what is verified stays the name. */
function pinned(tlsOptions: ConnectionOptions, ip: string | undefined): ConnectionOptions {
  if (!ip) return tlsOptions;
  const family = isIP(ip);
  const lookup: LookupFunction = (_host, { all }, done) => {
    if (all) done(null, [{ address: ip, family }]);
    else done(null, ip, family);
  };
  return { ...tlsOptions, lookup };
}
