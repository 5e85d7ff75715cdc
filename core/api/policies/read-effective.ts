import type { Resource } from "../../model/resource.ts";
import { EffectivePolicies } from "../../policy/effective-policies.ts";
import type { Policy } from "../../policy/policy.ts";
import type { PolicySpec } from "../../policy/policy-spec.ts";
import type { ResourceStore } from "../../store/resource-store.ts";

/** What the stored policies of a mesh mean at this moment: asked of the store, so an answer never lags behind a write. */
export async function readEffectivePolicies(
  store: ResourceStore,
  types: readonly Policy[],
  mesh: string,
): Promise<EffectivePolicies> {
  const lists = await Promise.all(types.map(({ type }) => store.list(type.name, { mesh })));
  const byType = new Map(types.map(({ type }, at) => [type.name, lists[at]?.items ?? []]));
  return new EffectivePolicies(types, (type) => (byType.get(type) ?? []) as readonly Resource<PolicySpec>[]);
}
