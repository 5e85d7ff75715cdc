import { Guard, type GuardOptions } from "../kernel/guard.ts";
import type { ProxyAuthenticator } from "./authenticator.ts";

/**
 * A user's authenticator behind checks. Only a call that resolves to nothing lets a proxy in: one that resolves to
 * `false`, throws something odd or does not answer within its time limit refuses it, and the error names the plugin.
 */
export function createGuardedAuthenticator(
  authenticator: ProxyAuthenticator,
  options: GuardOptions,
): ProxyAuthenticator {
  const guard = new Guard(options);
  return {
    authenticate: (credential, dataplane) =>
      guard.call(
        "authenticate",
        () => authenticator.authenticate(credential, dataplane),
        (result: unknown) =>
          result === undefined
            ? undefined
            : `resolved to ${typeof result === "object" ? "an object" : String(result)}; it must resolve to nothing or reject`,
      ),
  };
}
