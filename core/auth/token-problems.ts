import { formatDuration } from "../kernel/duration.ts";
import { MeshError } from "../kernel/errors.ts";

// What can be wrong with a token, said for the person at the sidecar's terminal. No text quotes the token or a key.

/** The command that makes the right token; part of most of these errors. */
function makeOne(mesh: string, name: string): string {
  return `Make one:  monomesh generate dataplane-token --name ${name} --mesh ${mesh} --valid-for 24h`;
}

/** Which token was wanted, for the command that makes it. */
export interface Wanted {
  readonly mesh: string;
  readonly name: string;
}

export function noToken(wanted: Wanted): MeshError {
  return new MeshError("MM301", "no token was given", {
    why: "This control plane lets a sidecar join with a token only.",
    todo: `${makeOne(wanted.mesh, wanted.name)}\nand give it with --dataplane-token-file FILE.`,
  });
}

export function notAToken(wanted: Wanted): MeshError {
  return new MeshError("MM301", "what was given as token is no token (JWT)", {
    why: "A token is one line of three parts with dots between them.",
    todo: makeOne(wanted.mesh, wanted.name),
  });
}

export function badClaims(wanted: Wanted, claim: string): MeshError {
  return new MeshError("MM301", `the token's claim ${claim} is not understood`, {
    todo: makeOne(wanted.mesh, wanted.name),
  });
}

export function wrongAlgorithm(wanted: Wanted, algorithm: string): MeshError {
  // From a token that nobody vouches for: shown only if it looks like the name of an algorithm.
  const named = /^[\w-]{1,20}$/.test(algorithm) ? algorithm : "something unknown";
  const what = algorithm.toLowerCase() === "none" ? "the token is not signed" : `the token is signed with ${named}`;
  return new MeshError("MM310", `${what}; only RS256 is accepted`, { todo: makeOne(wanted.mesh, wanted.name) });
}

export function unknownKey(wanted: Wanted, keyId: string, owner: string, foreign: boolean): MeshError {
  const id = /^[\w.-]{1,64}$/.test(keyId) ? `"${keyId}"` : keyId === "" ? "(none named)" : "(not shown)";
  return new MeshError("MM310", `the token was signed with key ${id}, which ${owner} does not have`, {
    why: foreign
      ? "Another control plane made it."
      : "The key was deleted, the token is of another control plane, or this one forgot its keys: the memory store does at every start.",
    todo: makeOne(wanted.mesh, wanted.name),
  });
}

export function forged(wanted: Wanted, keyId: string, owner: string, foreign: boolean): MeshError {
  return new MeshError("MM310", `the token's signature is not of key "${keyId}" of ${owner}`, {
    why: foreign ? "Another control plane made it." : "It was changed after it was made, or made with another key.",
    todo: makeOne(wanted.mesh, wanted.name),
  });
}

export function expired(wanted: Wanted, expiresAt: number, now: number): MeshError {
  return new MeshError("MM305", `the token expired at ${utc(expiresAt)}; the control plane's clock says ${utc(now)}`, {
    why: `That is ${formatDuration(now - expiresAt)} ago.`,
    todo: makeOne(wanted.mesh, wanted.name),
  });
}

export function notYetValid(wanted: Wanted, notBefore: number, now: number): MeshError {
  return new MeshError(
    "MM305",
    `the token is valid from ${utc(notBefore)}; the control plane's clock says ${utc(now)}`,
    {
      why: `The clock of the machine that made the token is ${formatDuration(notBefore - now)} ahead, or the control plane's is late.`,
      todo: `Set the clocks right, or make one here. ${makeOne(wanted.mesh, wanted.name)}`,
    },
  );
}

export function revoked(wanted: Wanted): MeshError {
  return new MeshError("MM306", "the token was revoked", { todo: makeOne(wanted.mesh, wanted.name) });
}

/** The token is good, but for something else; `difference` completes "the token ...". */
export function forAnother(wanted: Wanted, difference: string): MeshError {
  return new MeshError("MM311", `the token ${difference}`, { todo: makeOne(wanted.mesh, wanted.name) });
}

/** Seconds, UTC: `2026-11-24 14:01:02Z`. A number that is no date stays one. */
function utc(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString().replace("T", " ").replace(/\.\d+/, "") : `${ms / 1000} s`;
}
