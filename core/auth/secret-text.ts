import { MeshError } from "../kernel/errors.ts";
import type { Resource, ResourceDraft, ResourceKey } from "../model/resource.ts";

/** The text that a Secret or GlobalSecret holds in `data`, which is base64 (contract, section 6.1). */
export function secretText(secret: Resource): string {
  const data = (secret.spec as { readonly data?: unknown } | undefined)?.data;
  return typeof data === "string" ? Buffer.from(data, "base64").toString("utf8") : "";
}

/** A Secret or GlobalSecret that holds this text. */
export function secretDraft(key: ResourceKey, text: string): ResourceDraft {
  return { ...key, labels: {}, spec: { data: Buffer.from(text, "utf8").toString("base64") } };
}

/** Whether a write failed because somebody else's came first. */
export function isConflict(thrown: unknown): boolean {
  return thrown instanceof MeshError && thrown.code === "MM409";
}
