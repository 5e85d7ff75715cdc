import { createHash, timingSafeEqual } from "node:crypto";
import { definePlugin, MeshError, options, z } from "monomesh/plugin";

const digest = (text = "") => createHash("sha256").update(text).digest();

/**
 * NAME: one password for each mesh. A sidecar sends it where others send their token (--dataplane-token-file).
 */
export default definePlugin({
  kind: "auth",
  name: "NAME",
  description: "One password for each mesh.",
  options: options({
    /** Password by name of the mesh. */
    passwords: z._default(z.record(z.string(), z.string().check(z.minLength(16))), {}),
  }),
  create({ log }, { passwords }) {
    if (Object.keys(passwords).length === 0)
      log.warn("no-password", "NAME: no mesh has a password, so no sidecar can join");
    return {
      async authenticate(credential, dataplane) {
        if (!credential) throw new MeshError("MM301", `no password for the mesh "${dataplane.mesh}" was given`);
        const wanted = Object.hasOwn(passwords, dataplane.mesh) ? passwords[dataplane.mesh] : undefined;
        // Compared as digests, so that the time it takes tells nothing.
        if (!wanted || !timingSafeEqual(digest(credential), digest(wanted))) {
          throw new MeshError("MM310", `the password is not that of the mesh "${dataplane.mesh}"`);
        }
      },
    };
  },
});
