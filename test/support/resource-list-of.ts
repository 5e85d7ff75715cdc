import type { EncodedResource } from "../../core/envoy/encoded-resource.ts";
import { ResourceList } from "../../core/push/resource-list.ts";

/** A list of resources that come in any order; of several with one name the last one counts. */
export function resourceListOf(resources: Iterable<EncodedResource>): ResourceList {
  const byName = new Map(Array.from(resources, (each) => [each.name, each]));
  const sorted = [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  return new ResourceList(
    sorted.map(({ name }) => name),
    sorted,
  );
}
