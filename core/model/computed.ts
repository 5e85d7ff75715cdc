import type { Violation } from "../kernel/errors.ts";
import { ZONE_TAG } from "./dataplane/access.ts";
import type { DataplaneSpec } from "./dataplane/spec.ts";
import { fieldText } from "./field-path.ts";
import { membershipViolations } from "./membership.ts";
import type { MeshSpec } from "./mesh/spec.ts";
import type { ResourceDraft } from "./resource.ts";
import type { ResourceType } from "./resource-type.ts";

type Labels = Readonly<Record<string, string>>;

const ORIGIN = "kuma.io/origin";
const ZONE = "kuma.io/zone";
const DISPLAY_NAME = "kuma.io/display-name";

/** The name of this zone. Several zones come later. */
export const ZONE_NAME = "default";

/** Labels that keep their value once they have one (contract, section 7.2). */
const IMMUTABLE = [ORIGIN, ZONE, DISPLAY_NAME] as const;

/** What is needed beside the draft. */
export interface ComputeContext {
  /** The stored resource that the draft replaces; undefined on creation. */
  readonly previous: ResourceDraft | undefined;
  /** Spec of the draft's mesh, for its membership constraints; undefined for types of global scope. */
  readonly mesh: MeshSpec | undefined;
}

export interface ComputedResult {
  readonly draft: ResourceDraft;
  readonly violations: readonly Violation[];
}

/**
 * What the control plane adds when a resource is created or updated (contract, section 8.3): the zone tag of a
 * Dataplane, labels; and what it refuses: changed immutable labels, a Dataplane that may not be in its mesh. Pure; used
 * for REST and for the Direct lifecycle alike. Readiness is not stored with the Dataplane (design.md, "Presence of a
 * proxy"), so nothing is computed for it here.
 */
export function computeResource(type: ResourceType, draft: ResourceDraft, context: ComputeContext): ComputedResult {
  const violations = labelViolations(draft.labels, context.previous?.labels ?? {});
  if (type.name !== "Dataplane") {
    const labels = belongsToZone(type) ? computeLabels(draft, context.previous?.labels ?? {}, {}) : draft.labels;
    return { draft: { ...draft, labels }, violations };
  }
  const spec = withZoneTag(draft.spec as DataplaneSpec, context.mesh);
  const proxyType = spec.networking.gateway ? "gateway" : "sidecar";
  const labels = computeLabels(draft, context.previous?.labels ?? {}, { "kuma.io/proxy-type": proxyType });
  return {
    draft: { ...draft, labels, spec },
    violations: [...violations, ...membershipViolations(context.mesh, spec)],
  };
}

/** Types that a user of the zone writes; Mesh and secrets belong to no zone. */
function belongsToZone(type: ResourceType): boolean {
  return type.scope === "Mesh" && !type.adminOnly && !type.readOnly;
}

function computeLabels(draft: ResourceDraft, previous: Labels, own: Labels): Labels {
  const kept = Object.fromEntries(
    IMMUTABLE.flatMap((key) => (previous[key] === undefined ? [] : [[key, previous[key]]])),
  );
  return {
    [ORIGIN]: "zone",
    [ZONE]: ZONE_NAME,
    ...draft.labels,
    ...kept,
    "kuma.io/mesh": draft.mesh,
    "kuma.io/env": "universal",
    ...own,
  };
}

function labelViolations(labels: Labels, previous: Labels): Violation[] {
  return IMMUTABLE.filter(
    (key) => previous[key] !== undefined && labels[key] !== undefined && labels[key] !== previous[key],
  ).map((key) => ({ field: fieldText(["labels", key]), message: `cannot be changed from "${previous[key]}"` }));
}

function withZoneTag(spec: DataplaneSpec, mesh: MeshSpec | undefined): DataplaneSpec {
  const { networking } = spec;
  const exclusive = mesh?.meshServices?.mode === "Exclusive";
  const tagged = <T extends { readonly tags?: Labels | undefined }>(holder: T): T =>
    exclusive && Object.keys(holder.tags ?? {}).length === 0
      ? holder
      : { ...holder, tags: { ...holder.tags, [ZONE_TAG]: ZONE_NAME } };
  return {
    ...spec,
    networking: {
      ...networking,
      ...(networking.inbound ? { inbound: networking.inbound.map(tagged) } : {}),
      ...(networking.gateway ? { gateway: tagged(networking.gateway) } : {}),
    },
  };
}
