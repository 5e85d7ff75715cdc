import type { EncodedResource } from "./encoded-resource.ts";
import type { ResourceInput } from "./inputs.ts";

/** See `buildResource`. */
export type BuildResource = (input: ResourceInput) => EncodedResource;

let loading: Promise<BuildResource> | undefined;

/**
 * Loads the builders and the generated messages they need, once: about 100 ms and many megabytes that a control plane
 * without proxies does without. The first call starts it, so call it early where a proxy is known to come.
 */
export function loadBuilders(): Promise<BuildResource> {
  loading ??= import("./builders.ts").then(({ buildResource }) => buildResource);
  return loading;
}
