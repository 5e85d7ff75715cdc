import { token } from "../kernel/token.ts";
import type { DataplaneSpec } from "../model/dataplane/spec.ts";
import type { Resource, ResourceDraft } from "../model/resource.ts";
import type { MeshView } from "../view/mesh-view.ts";
import { EffectivePolicies } from "./effective-policies.ts";
import { isApplied, selectProxy } from "./match.ts";
import type { Policy } from "./policy.ts";
import type { PolicySpec } from "./policy-spec.ts";

/** A change of one policy: as it was, as it is. */
export interface PolicyChange {
  readonly before: Resource | undefined;
  readonly after: Resource | undefined;
}

/** The policy types that this control plane has, and what the stored policies of each mesh mean. */
export class PolicyCatalogue {
  readonly types: readonly Policy[];
  readonly #effective = new WeakMap<object, EffectivePolicies>();

  constructor(types: readonly Policy[]) {
    this.types = types;
  }

  /** Names of the resource types. */
  get names(): readonly string[] {
    return this.types.map(({ type }) => type.name);
  }

  /** What the policies of a mesh mean now. The same object until one of them changes. */
  of(view: MeshView): EffectivePolicies {
    const known = this.#effective.get(view.policyEdition);
    if (known) return known;
    const effective = new EffectivePolicies(
      this.types,
      (type) => (view.policies.get(type)?.values() ?? []) as Iterable<Resource<PolicySpec>>,
    );
    this.#effective.set(view.policyEdition, effective);
    return effective;
  }
}

export const Policies = token<PolicyCatalogue>("Policies");

/** Whether a proxy can be configured differently after the change: the policy selects it now, or did before. */
export function concernsProxy({ before, after }: PolicyChange, dataplane: ResourceDraft<DataplaneSpec>): boolean {
  return [before, after].some(
    (policy) =>
      policy !== undefined && isApplied(policy) && selectProxy(policy as Resource<PolicySpec>, dataplane) !== undefined,
  );
}
