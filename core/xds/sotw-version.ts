import { hash } from "node:crypto";
import type { EncodedResource } from "../envoy/encoded-resource.ts";

/**
 * `version_info` of a response: equal content has equal versions on every control plane, whatever its order. A single
 * resource lends its own version.
 */
export function responseVersion(resources: readonly EncodedResource[]): string {
  const only = resources.length === 1 ? resources[0] : undefined;
  if (only) return only.version;
  const content = resources.map(({ name, version }) => `${name}\n${version}\n`).sort();
  return hash("sha256", content.join(""), "hex").slice(0, 16);
}
