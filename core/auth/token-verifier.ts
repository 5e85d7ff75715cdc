import type { KeyObject } from "node:crypto";
import type { Clock } from "../kernel/clock.ts";
import type { ResourceStore } from "../store/resource-store.ts";
import { type Jws, parseJws, verifyJws } from "./jws.ts";
import { type KeyFamily, signingKeySecret } from "./key-family.ts";
import type { PublicKeys } from "./public-keys.ts";
import { SecretReader } from "./secret-reader.ts";
import { secretText } from "./secret-text.ts";
import { readPublicKey } from "./signing-keys.ts";
import {
  badClaims,
  expired,
  forged,
  noToken,
  notAToken,
  notYetValid,
  revoked,
  unknownKey,
  type Wanted,
  wrongAlgorithm,
} from "./token-problems.ts";

/** How far the clock that made a token may be ahead of ours (60 s). An expiry has no such grace. */
const NOT_BEFORE_GRACE_MS = 60_000;

export interface TokenVerifierOptions {
  readonly store: ResourceStore;
  readonly clock: Clock;
  /** Keys of the configuration; asked first. */
  readonly publicKeys: PublicKeys;
  /** Whether keys in the store count. */
  readonly useSecrets: boolean;
  /** Digests that this control plane's own tokens carry. */
  readonly cpCa: () => readonly string[];
}

/** Checks everything about a token but what it is for. */
export interface TokenVerifier {
  /** The claims of a good token. Rejects with MM301, MM305, MM306, MM307 or MM310. */
  verify(credential: string | undefined, family: KeyFamily, wanted: Wanted): Promise<Jws["claims"]>;
}

export function createTokenVerifier(options: TokenVerifierOptions): TokenVerifier {
  const { clock, publicKeys, useSecrets, cpCa } = options;
  const keys = new SecretReader<KeyObject>(options.store, readPublicKey);
  const lists = new SecretReader<ReadonlySet<string>>(options.store, (secret) => readRevocations(secretText(secret)));

  async function findKey(keyId: string, family: KeyFamily): Promise<KeyObject | undefined> {
    const configured = publicKeys(keyId, family.mesh);
    if (configured) return configured;
    const secret = useSecrets ? signingKeySecret(family, keyId) : undefined;
    return secret && (await keys.get(secret));
  }

  /** A hint only: it tells whose fault a signature may be, and nothing depends on it. */
  function isForeign(claims: Jws["claims"]): boolean {
    const digests = claims["cpCa"];
    const own = cpCa();
    return (
      Array.isArray(digests) && digests.length > 0 && own.length > 0 && !digests.some((each) => own.includes(each))
    );
  }

  return {
    async verify(credential, family, wanted) {
      const text = credential?.trim();
      if (!text) throw noToken(wanted);
      const jws = parseJws(text);
      if (!jws) throw notAToken(wanted);
      if (jws.algorithm !== "RS256") throw wrongAlgorithm(wanted, jws.algorithm);
      const key = await findKey(jws.keyId, family);
      if (!key) throw unknownKey(wanted, jws.keyId, family.owner, isForeign(jws.claims));
      if (!verifyJws(jws, key)) throw forged(wanted, jws.keyId, family.owner, isForeign(jws.claims));
      checkTimes(jws.claims, clock.now(), wanted);
      const id = jws.claims["jti"];
      const revocations = await Promise.all(family.revocations.map((each) => lists.get(each)));
      if (typeof id === "string" && revocations.some((list) => list?.has(id))) throw revoked(wanted);
      return jws.claims;
    },
  };
}

function checkTimes(claims: Jws["claims"], now: number, wanted: Wanted): void {
  const expiresAt = timeClaim(claims, "exp", wanted);
  const notBefore = timeClaim(claims, "nbf", wanted);
  if (expiresAt !== undefined && now >= expiresAt) throw expired(wanted, expiresAt, now);
  if (notBefore !== undefined && now + NOT_BEFORE_GRACE_MS < notBefore) throw notYetValid(wanted, notBefore, now);
}

/** A NumericDate (RFC 7519), in milliseconds. Tokens without one are accepted, as Kuma does. */
function timeClaim(claims: Jws["claims"], name: string, wanted: Wanted): number | undefined {
  const seconds = claims[name];
  if (seconds === undefined) return undefined;
  if (typeof seconds !== "number") throw badClaims(wanted, name);
  return seconds * 1000;
}

/** Comma-separated identifiers; spaces and line breaks around them do not count. */
function readRevocations(text: string): ReadonlySet<string> {
  return new Set(text.split(/[\s,]+/).filter(Boolean));
}
