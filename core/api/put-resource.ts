import { MeshError, type Violation } from "../kernel/errors.ts";
import { computeResource } from "../model/computed.ts";
import { isWithin } from "../model/field-path.ts";
import type { Resource, ResourceDraft, ResourceKey } from "../model/resource.ts";
import { draftFromJson } from "../model/resource-json.ts";
import type { ResourceType } from "../model/resource-type.ts";
import { MESH, type MeshSpec } from "../model/types/mesh.ts";
import { storeNewMesh } from "../policy/new-mesh.ts";
import { retryOnConflict } from "../store/retry-on-conflict.ts";
import type { ApiDeps } from "./api-deps.ts";
import { requireMesh } from "./require-mesh.ts";

export interface PutResult {
  readonly created: boolean;
  /** Of the write. */
  readonly revision: number;
  /** What was ignored or has no effect; shown by kumactl. */
  readonly warnings: readonly string[];
}

/** Creates or replaces a resource by its JSON. MM104 with all problems at once, MM406 for an unknown mesh. */
export async function putResource(
  deps: Pick<ApiDeps, "store" | "signingKeys" | "policies">,
  type: ResourceType,
  key: ResourceKey,
  json: Readonly<Record<string, unknown>>,
): Promise<PutResult> {
  const result = draftFromJson(type, json, { strict: false });
  const violations = [...mismatches(type, key, json), ...result.violations];
  const { created, stored } = await retryOnConflict(async () => {
    const mesh = type.scope === "Mesh" ? await requireMesh(deps.store, key.mesh) : undefined;
    const previous = await deps.store.get(key);
    const computed = computeResource(type, result.draft, { previous, mesh: mesh?.spec as MeshSpec | undefined });
    // What the mesh says about a field that is wrong in itself would mislead.
    const more = computed.violations.filter(({ field }) => !violations.some((wrong) => isWithin(field, wrong.field)));
    const all = [...violations, ...more];
    if (all.length > 0) throw new MeshError("MM104", "Resource is not valid", { violations: all });
    const stored = await write(deps, computed.draft, previous, mesh);
    return { created: previous === undefined, stored };
  });
  // Also after an update: a mesh whose creation was cut short gets its keys then.
  if (type.name === MESH) await deps.signingKeys.ensureForMesh(key.name);
  return {
    created,
    revision: stored.revision,
    warnings: [...unknownFieldWarnings(result.unknownFields), ...(type.warnings?.(result.draft) ?? [])],
  };
}

/** A new mesh comes with its first policies. */
async function write(
  { store, policies }: Pick<ApiDeps, "store" | "policies">,
  draft: ResourceDraft,
  previous: Resource | undefined,
  mesh: Resource | undefined,
): Promise<Resource> {
  if (draft.type === MESH && !previous) {
    return storeNewMesh(store, draft as ResourceDraft<MeshSpec>, policies ?? []);
  }
  const owner = mesh ? { type: MESH, mesh: "", name: mesh.name } : undefined;
  return store.put(draft, { expectedVersion: previous?.version ?? 0, owner });
}

/** Type, mesh and name of the body must be those of the URL (contract, section 7.2). */
function mismatches(type: ResourceType, key: ResourceKey, json: Readonly<Record<string, unknown>>): Violation[] {
  const fields = type.scope === "Mesh" ? (["type", "mesh", "name"] as const) : (["type", "name"] as const);
  return fields.flatMap((field) => {
    const given = json[field];
    // A missing or empty name is reported by the rules for names.
    if (given === key[field] || (field !== "type" && (typeof given !== "string" || given === ""))) return [];
    return [{ field, message: `must be "${key[field]}", as in the URL` }];
  });
}

function unknownFieldWarnings(
  unknown: readonly { readonly field: string; readonly nearest: string | undefined }[],
): string[] {
  return unknown.map(
    ({ field, nearest }) => `${field} is no field and was ignored${nearest ? `. Nearest: ${nearest}` : ""}`,
  );
}
