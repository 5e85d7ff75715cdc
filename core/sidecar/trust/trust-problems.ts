import type { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { MeshError } from "../../kernel/errors.ts";
import { canonicalHost } from "../../model/ip-address.ts";
import type { ControlPlaneAddress } from "./address.ts";
import { publicKeyDigest } from "./handshake.ts";

/** Digits of a key's digest that messages show. */
const SHOWN_DIGITS = 16;

/** OpenSSL's verdicts on a chain, as far as they need another sentence than OpenSSL's. */
const VERDICTS: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: "the certificate signs itself and is not among the trusted ones",
  SELF_SIGNED_CERT_IN_CHAIN: "its CA is not among the trusted ones",
  UNABLE_TO_GET_ISSUER_CERT: "its CA is not among the trusted ones",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "its CA is not among the trusted ones",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its CA is not among the trusted ones",
  CERT_SIGNATURE_FAILURE: "the CA that it names did not sign it: somebody is in between",
};

/** Whether a failed handshake is OpenSSL's or Node's verdict on the certificate, not a broken connection. */
export function isVerdict(code: string): boolean {
  return (
    code in VERDICTS ||
    /^(CERT|CRL|INVALID|UNABLE|ERR_TLS_CERT|PATH|HOSTNAME|ERROR_IN|SUBJECT|AKID|KEYUSAGE|UNSPECIFIED)/.test(code)
  );
}

/** What is wrong with the certificate in the eyes of one of the ways to trust. */
export function verdictText(
  error: NodeJS.ErrnoException,
  chain: readonly X509Certificate[],
  host: string,
  now: number,
): string {
  const code = error.code ?? "";
  const leaf = chain[0];
  if (code === "CERT_HAS_EXPIRED" || code === "CERT_NOT_YET_VALID") {
    const wrong = chain.find((each) => each.validToDate.getTime() < now || each.validFromDate.getTime() > now) ?? leaf;
    const period = wrong ? `valid from ${day(wrong.validFromDate)} to ${day(wrong.validToDate)}` : "not valid now";
    return `the certificate of ${nameOf(wrong)} is ${period}, here it is ${new Date(now).toISOString().slice(0, 16)}Z`;
  }
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") return `it is for ${hostsOf(leaf)}, not for ${host}`;
  return VERDICTS[code] ?? error.message;
}

/** Why the token's digests did not help, before any verification. */
export function claimText(cpCa: readonly string[] | undefined, chain: readonly X509Certificate[]): string {
  if (cpCa === undefined) return "none was given";
  if (cpCa.length === 0) return "it carries no digest of the control plane's CA: another kind of control plane made it";
  const expected = cpCa.map((digest) => `${digest.slice(0, SHOWN_DIGITS)}…`).join(" or ");
  const alone = chain.length === 1 ? "; the server shows no CA beside its own certificate" : "";
  return `it expects a key with SHA-256 ${expected}${alone}`;
}

/** MM320: what the server showed, why each way to trust it failed, and the ways out. */
export function untrusted(
  address: ControlPlaneAddress,
  chain: readonly X509Certificate[],
  reasons: readonly { readonly way: string; readonly why: string }[],
  waysOut: readonly string[],
): MeshError {
  const keys = chain.map((each) => `${nameOf(each)} (key ${publicKeyDigest(each).slice(0, SHOWN_DIGITS)}…)`);
  const width = Math.max(...reasons.map((reason) => reason.way.length));
  return new MeshError("MM320", `the control plane at ${address.text} could not be verified. Nothing was sent to it.`, {
    where: `It shows a certificate for ${hostsOf(chain[0])}:\n${keys.join(", signed by ") || "none"}`,
    why: reasons.map(({ way, why }) => `${way.padEnd(width)}  ${why}`).join("\n"),
    todo: `Ways out:\n${waysOut.map((way) => `  ${way}`).join("\n")}`,
  });
}

/** What helps against one verdict only; goes before the ways that always do. */
export function hintsFor(error: NodeJS.ErrnoException): readonly string[] {
  if (error.code === "CERT_HAS_EXPIRED" || error.code === "CERT_NOT_YET_VALID") {
    return ["the clocks            are both right? A control plane that restarts makes a new certificate"];
  }
  if (error.code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return [
      "--cp-address URL      with one of the names above",
      "dpServer.hosts        a setting of the control plane: names to add to its certificate",
    ];
  }
  return [];
}

/** For a given CA that does not fit, while the token alone would do. */
export const LEAVE_OUT_CA = "no --ca-cert-file     the token knows this control plane without it";

export const WAYS_OUT: readonly string[] = [
  "--ca-cert-file PATH   the control plane's kuma-cp.crt, which lies in its work directory",
  "another token         one that this control plane made carries the digest of its CA",
  "the system's store    put kuma-cp.crt among the certificates that this machine trusts",
  "--skip-verify         trust whoever answers; for trying out only",
];

/** Names and addresses of a certificate, for messages. */
export function hostsOf(certificate: X509Certificate | undefined): string {
  const names = (certificate?.subjectAltName?.split(", ") ?? []).map((name) => name.replace(/^(DNS|IP Address):/, ""));
  return printable(names.map((name) => (isIP(name) === 0 ? name : canonicalHost(name))).join(", ")) || "no name";
}

function nameOf(certificate: X509Certificate | undefined): string {
  const subject = certificate?.subject ?? "";
  return `"${printable(/(?:^|\n)CN=(.+)/.exec(subject)?.[1] ?? subject.replaceAll("\n", ", ")) || "no name"}"`;
}

/** A stranger wrote it; it must not move the cursor or fill the screen. */
function printable(text: string): string {
  const plain = text.replaceAll(/[^\x20-\x7e\u00a0-\ud7ff]/g, "?");
  return plain.length > 300 ? `${plain.slice(0, 300)}…` : plain;
}

function day(date: Date): string {
  return date.toISOString().slice(0, 16).concat("Z");
}
