import { randomUUID } from "node:crypto";
import type { Clock } from "../kernel/clock.ts";
import { MeshError, type Violation } from "../kernel/errors.ts";
import { meshNameProblem, tagNameProblem, tagValueProblem } from "../model/names.ts";
import type { DataplaneTokenRequest, TokenIssuer } from "./authenticator.ts";
import { MAX_TOKEN_LENGTH, signJws } from "./jws.ts";
import type { StoredSigningKeys } from "./signing-keys.ts";

const HOUR_MS = 3_600_000;
/** Validity of a token when nobody says how long: 24 h. */
export const DEFAULT_TOKEN_VALIDITY_MS = 24 * HOUR_MS;
/** The longest validity: 10 years, with their leap days. */
export const MAX_TOKEN_VALIDITY_MS = 3653 * 24 * HOUR_MS;

/** A token is valid from this much before it was made, so that clocks that differ a little do no harm (contract, section 6.1). */
const BACKDATE_S = 5;
const PROXY_TYPES = ["", "dataplane", "ingress", "egress"];
/** Room for the header in which the token travels to be of use for something else too. */
const MAX_ISSUED_LENGTH = MAX_TOKEN_LENGTH / 2;

export interface TokenIssuerOptions {
  readonly signingKeys: StoredSigningKeys;
  readonly clock: Clock;
  /** Digests of the control plane's public keys, for the claim `cpCa`. */
  readonly cpCa: () => readonly string[];
  /** False when tokens are made elsewhere (`enableIssuer`). Default true. */
  readonly enabled?: boolean | undefined;
}

/** Makes tokens with the newest signing key of the mesh. Rejects with MM400 (violations), MM404 (no such mesh) or MM307. */
export function createTokenIssuer(options: TokenIssuerOptions): TokenIssuer {
  return {
    async issueDataplaneToken(request) {
      if (options.enabled === false) {
        throw new MeshError("MM400", "this control plane does not make tokens", {
          why: "dpServer.authn.dpProxy.dpToken.enableIssuer is false.",
        });
      }
      const violations = findViolations(request);
      if (violations.length > 0) throw new MeshError("MM400", "the token request is not valid", { violations });
      const { keyId, privateKey } = await options.signingKeys.newestForMesh(request.mesh);
      const issuedAt = Math.floor(options.clock.now() / 1000) - BACKDATE_S;
      const claims = {
        Name: request.name,
        Mesh: request.mesh,
        Tags: request.tags,
        Type: request.type,
        Workload: request.workload,
        cpCa: options.cpCa(),
        exp: issuedAt + BACKDATE_S + Math.ceil(request.validFor / 1000),
        nbf: issuedAt,
        iat: issuedAt,
        jti: randomUUID(),
      };
      const token = signJws(claims, keyId, privateKey);
      if (token.length <= MAX_ISSUED_LENGTH) return token;
      throw new MeshError("MM400", `the token would have ${token.length} characters, more than ${MAX_ISSUED_LENGTH}`, {
        why: "It travels in a header of every stream.",
        todo: "Name fewer tags.",
      });
    },
  };
}

function findViolations(request: DataplaneTokenRequest): Violation[] {
  const violations: Violation[] = [];
  const check = (field: string, message: string | undefined) => message && violations.push({ field, message });
  check("mesh", meshNameProblem(request.mesh));
  check("name", request.name.length > 253 ? "must have 253 characters at most" : undefined);
  check("workload", request.workload.length > 63 ? "must have 63 characters at most" : undefined);
  if (!PROXY_TYPES.includes(request.type)) check("type", `must be one of ${PROXY_TYPES.filter(Boolean).join(", ")}`);
  if (!(request.validFor > 0)) check("validFor", "must be more than 0");
  if (request.validFor > MAX_TOKEN_VALIDITY_MS) check("validFor", "must be 10 years (87600h) at most");
  for (const [name, values] of Object.entries(request.tags)) {
    const field = `tags["${name}"]`;
    check(field, tagNameProblem(name));
    if (values.length === 0) check(field, "must have at least one value");
    for (const value of values) check(field, tagValueProblem(value));
  }
  return violations;
}
