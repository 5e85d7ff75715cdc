import * as z from "zod/mini";
import type { ProxyAuthenticator } from "../../core/auth/authenticator.ts";
import { definePlugin } from "../../core/kernel/plugin.ts";

const options = z.strictObject({});

/** For networks in which everybody may be everything. The control plane says so when it starts. */
export const noAuthenticationPlugin = definePlugin<ProxyAuthenticator, z.infer<typeof options>>({
  kind: "auth",
  name: "none",
  description: "Every sidecar may join as any Dataplane; tokens are not looked at.",
  options,
  create(context) {
    context.log.warn(
      "no-authentication",
      "every sidecar may join as any Dataplane: dpServer.authn.dpProxy.type is none",
    );
    return { authenticate: async () => undefined };
  },
});
