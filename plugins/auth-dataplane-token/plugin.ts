import * as z from "zod/mini";
import type { AuthPluginContext, ProxyAuthenticator } from "../../core/auth/authenticator.ts";
import { openPublicKeys } from "../../core/auth/public-keys.ts";
import { createTokenVerifier } from "../../core/auth/token-verifier.ts";
import { definePlugin } from "../../core/kernel/plugin.ts";
import { createDataplaneTokenAuthenticator } from "./authenticator.ts";

const publicKey = z
  .strictObject({
    kid: z.string().check(z.minLength(1)),
    mesh: z.optional(z.string()),
    key: z.optional(z.string()),
    keyFile: z.optional(z.string()),
  })
  .check(z.refine((each) => Boolean(each.key) !== Boolean(each.keyFile), "needs either key or keyFile"));

/** `dpServer.authn.dpProxy.dpToken.validator`. */
const options = z.strictObject({
  /** Whether signing keys in the store count. */
  useSecrets: z._default(z.boolean(), true),
  /** Keys that are asked before those in the store. */
  publicKeys: z._default(z.array(publicKey), []),
});

export const dataplaneTokenPlugin = definePlugin<ProxyAuthenticator, z.infer<typeof options>>({
  kind: "auth",
  name: "dpToken",
  description: "A sidecar joins with a token that is signed with a key of its mesh.",
  options,
  create(context, { publicKeys, useSecrets }) {
    const { store, clock, cpCa } = context as AuthPluginContext;
    const verifier = createTokenVerifier({ store, clock, cpCa, useSecrets, publicKeys: openPublicKeys(publicKeys) });
    return createDataplaneTokenAuthenticator(verifier);
  },
});
