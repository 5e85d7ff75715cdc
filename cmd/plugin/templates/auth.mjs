import { createHmac, timingSafeEqual } from "node:crypto";
import { definePlugin, MeshError, options, z } from "monomesh/plugin";

/**
 * NAME: tokens of your own issuer: JWTs signed with a secret that it shares with the control plane (HS256), with the claims
 * `mesh` and `exp`. A sidecar sends what its --dataplane-token-file holds; such a token says nothing about the control plane's
 * CA, so it also needs --ca-cert-file.
 */
export default definePlugin({
  kind: "auth",
  name: "NAME",
  description: "Tokens that are signed with a shared secret.",
  options: options({
    /** Without one nobody can join. */
    secret: z.optional(z.string().check(z.minLength(16))),
  }),
  create({ clock, log }, { secret }) {
    if (!secret) log.warn("no-secret", "NAME has no secret, so no sidecar can join");
    return {
      async authenticate(credential, dataplane) {
        if (!credential) throw new MeshError("MM301", "no token was given");
        const [header = "", payload = "", signature = "", ...rest] = credential.split(".");
        const given = Buffer.from(signature, "base64url");
        // Whatever the header says: only this one way to sign counts.
        const wanted = createHmac("sha256", secret ?? "")
          .update(`${header}.${payload}`)
          .digest();
        if (!secret || rest.length > 0 || given.length !== wanted.length || !timingSafeEqual(given, wanted)) {
          throw new MeshError("MM310", "the token is not signed with our secret");
        }
        const { mesh, exp } = JSON.parse(Buffer.from(payload, "base64url").toString());
        if (!(exp * 1000 > clock.now()))
          throw new MeshError("MM305", "the token has expired, or does not say when it does");
        if (mesh !== dataplane.mesh) {
          throw new MeshError("MM311", `the token is for the mesh "${mesh}", not for "${dataplane.mesh}"`);
        }
      },
    };
  },
});
