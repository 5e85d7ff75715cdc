import type { ProxyAuthenticator } from "../../core/auth/authenticator.ts";
import { checkClaims, readDataplaneClaims } from "../../core/auth/dataplane-claims.ts";
import { parseJws } from "../../core/auth/jws.ts";
import { dataplaneKeyFamily } from "../../core/auth/key-family.ts";
import { forAnother } from "../../core/auth/token-problems.ts";
import type { TokenVerifier } from "../../core/auth/token-verifier.ts";

/** Tokens as Kuma knows them: signed with a key of the Dataplane's mesh, and for that Dataplane (contract, section 6.2). */
export function createDataplaneTokenAuthenticator(verifier: TokenVerifier): ProxyAuthenticator {
  return {
    async authenticate(credential, dataplane) {
      // Keys of different meshes share their ids, so a token of another mesh would look forged. It is refused either
      // way; what it says of itself only makes the better sentence.
      const said = parseJws(credential?.trim() ?? "")?.claims["Mesh"];
      if (typeof said === "string" && /^[0-9a-z._-]{1,253}$/.test(said) && said !== dataplane.mesh) {
        throw forAnother(dataplane, `is for mesh ${said}, not ${dataplane.mesh}`);
      }
      const claims = await verifier.verify(credential, dataplaneKeyFamily(dataplane.mesh), dataplane);
      checkClaims(readDataplaneClaims(claims, dataplane), dataplane);
    },
  };
}
