import { SERVICE_TAG, type Tags } from "../model/dataplane/access.ts";
import type { Resource } from "../model/resource.ts";
import type { PolicySection, PolicySpec } from "./policy-spec.ts";
import type { TargetRef } from "./target-ref.ts";

/** One `default` of a policy, with the place it stands at. */
export interface PolicyEntry {
  readonly policy: Resource<PolicySpec>;
  readonly section: PolicySection;
  /** Position in the section; 0 for `default`. */
  readonly index: number;
  /** Tags that traffic must have for it to count; empty means all traffic. */
  readonly tags: Tags;
  readonly conf: Readonly<Record<string, unknown>>;
}

/** What ranked policies say about destinations, weakest first: of one policy, a later item wins. */
export function toEntries(policies: readonly Resource<PolicySpec>[]): readonly PolicyEntry[] {
  return policies.flatMap((policy) => itemEntries(policy, "to"));
}

/** What ranked policies say about sources in the older form. */
export function fromEntries(policies: readonly Resource<PolicySpec>[]): readonly PolicyEntry[] {
  return policies.flatMap((policy) => itemEntries(policy, "from"));
}

/**
 * What ranked policies say about incoming traffic. A rule that only means some callers is left out: who calls is known by
 * mutual TLS only.
 */
export function inboundEntries(policies: readonly Resource<PolicySpec>[]): readonly PolicyEntry[] {
  return policies.flatMap((policy) => [
    ...itemEntries(policy, "from"),
    ...(policy.spec.rules ?? []).flatMap(({ matches, default: conf }, index) =>
      matches && matches.length > 0 ? [] : entry(policy, "rules", index, {}, conf),
    ),
  ]);
}

/** What ranked policies say about a whole proxy. */
export function proxyEntries(policies: readonly Resource<PolicySpec>[]): readonly PolicyEntry[] {
  return policies.flatMap((policy) =>
    policy.spec.default === undefined ? [] : entry(policy, "default", 0, {}, policy.spec.default),
  );
}

function itemEntries(policy: Resource<PolicySpec>, section: "to" | "from"): PolicyEntry[] {
  return (policy.spec[section] ?? []).flatMap(({ targetRef, default: conf }, index) => {
    const tags = tagsOfTarget(targetRef);
    return tags ? entry(policy, section, index, tags, conf) : [];
  });
}

function entry(
  policy: Resource<PolicySpec>,
  section: PolicySection,
  index: number,
  tags: Tags,
  conf: unknown,
): PolicyEntry[] {
  return [{ policy, section, index, tags, conf: (conf ?? {}) as PolicyEntry["conf"] }];
}

/** The tags that a targetRef of an item stands for; undefined for what only a resource could tell. */
function tagsOfTarget({ kind, name, tags, labels, sectionName }: TargetRef): Tags | undefined {
  switch (kind) {
    case "Mesh":
      return {};
    case "MeshSubset":
      return tags ?? {};
    case "MeshService":
      return labels || sectionName ? undefined : { [SERVICE_TAG]: name ?? "" };
    case "MeshServiceSubset":
      return { ...tags, [SERVICE_TAG]: name ?? "" };
    default:
      return undefined;
  }
}
