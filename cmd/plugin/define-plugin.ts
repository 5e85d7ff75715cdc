import type { AuthPluginContext, ProxyAuthenticator } from "../../core/auth/authenticator.ts";
import type { AuthCaseContext } from "../../core/auth/contract/auth-cases.ts";
import type { ContractCase } from "../../core/kernel/contract.ts";
import type { OptionsSchema, PluginContext, PluginKind } from "../../core/kernel/plugin.ts";
import type { PolicyCaseContext } from "../../core/policy/contract/policy-cases.ts";
import type { PolicyDefinition } from "../../core/policy/policy.ts";
import type { LifecycleCaseContext } from "../../core/presence/contract/lifecycle-cases.ts";
import type { Lifecycle } from "../../core/presence/lifecycle.ts";
import type { CaseContext as StoreCaseContext } from "../../core/store/contract/store-case.ts";
import type { ResourceStore } from "../../core/store/resource-store.ts";

/** For each kind that a user can write: what it makes, what its `create` is given, and what its cases work with. */
export interface UserPluginKinds {
  store: { readonly instance: ResourceStore; readonly context: PluginContext; readonly cases: StoreCaseContext };
  auth: { readonly instance: ProxyAuthenticator; readonly context: AuthPluginContext; readonly cases: AuthCaseContext };
  lifecycle: { readonly instance: Lifecycle; readonly context: PluginContext; readonly cases: LifecycleCaseContext };
  policy: { readonly instance: PolicyDefinition; readonly context: PluginContext; readonly cases: PolicyCaseContext };
}

/** As `Plugin`, with the types of its kind. */
export interface UserPlugin<Kind extends keyof UserPluginKinds, Options> {
  readonly kind: Kind & PluginKind;
  /** Unique in its kind; the configuration chooses it by this name. */
  readonly name: string;
  /** One sentence for `monomesh plugin list`. */
  readonly description: string;
  /** Of a store: it keeps its data over a restart, so its contract has more to test. Default false. */
  readonly durable?: Kind extends "store" ? boolean : never;
  /** A schema of zod, or of anything else that follows Standard Schema. */
  readonly options: OptionsSchema<Options>;
  create(
    context: UserPluginKinds[Kind]["context"],
    options: Options,
  ): UserPluginKinds[Kind]["instance"] | Promise<UserPluginKinds[Kind]["instance"]>;
}

/** Gives a plugin its types; the default export of a plugin's file. */
export function definePlugin<Kind extends keyof UserPluginKinds, Options>(
  plugin: UserPlugin<Kind, Options>,
): UserPlugin<Kind, Options> {
  return plugin;
}

/** Gives a plugin's own cases their types; the default export of `NAME.test.mjs`, which `monomesh plugin test` runs too. */
export function defineCases<Kind extends keyof UserPluginKinds>(
  _kind: Kind,
  cases: readonly ContractCase<UserPluginKinds[Kind]["cases"]>[],
): readonly ContractCase<UserPluginKinds[Kind]["cases"]>[] {
  return cases;
}
