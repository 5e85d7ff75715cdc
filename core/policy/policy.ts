import type { ZodMiniType } from "zod/mini";
import type { AbilitySettings, ClusterSettings, ListenerSettings, RouteSettings } from "../envoy/settings.ts";
import type { Violation } from "../kernel/errors.ts";
import type { Protocol } from "../model/dataplane/access.ts";
import type { FieldPath } from "../model/field-path.ts";
import type { ResourceType } from "../model/resource-type.ts";
import type { PolicySection, PolicySpec } from "./policy-spec.ts";
import { createPolicyType } from "./policy-type.ts";
import type { TargetKind } from "./target-ref.ts";

/** The traffic of a proxy for which a conf was merged. */
export interface PolicyTarget {
  readonly direction: "inbound" | "outbound";
  /** Outbound: the consumed service. Inbound: the service it belongs to; empty if to none. */
  readonly service: string;
  readonly protocol: Protocol;
}

/**
 * What a policy says about the resources of a target: only the settings it has a value for. A setting that no policy
 * gives keeps its default (`core/envoy/settings.ts`). A nested object is replaced as a whole.
 */
export interface SettingsPatch {
  readonly listener?: Partial<Omit<ListenerSettings, keyof AbilitySettings>>;
  readonly cluster?: Partial<ClusterSettings>;
  readonly route?: Partial<RouteSettings>;
}

/** Where a conf stands, for rules that depend on it. */
export interface ConfPlace {
  readonly section: PolicySection;
  /** Kind of the top-level targetRef. */
  readonly topKind: string;
  /** What the rule's `matches` look at. */
  readonly matchesOn: readonly ("spiffeID" | "sni")[];
}

export interface InitialPolicy<Conf> {
  readonly name: string;
  readonly spec: PolicySpec<Conf>;
}

/**
 * The port of a policy: everything that is particular to one type. How policies are selected, ranked, merged and shown
 * is the same for all of them and not its business. A plain object; `create` of a plugin of kind `policy` returns it.
 */
export interface PolicyDefinition<Conf = unknown> {
  /** As in the `type` field: `MeshTimeout`. */
  readonly name: string;
  /** Collection path: `meshtimeouts`. */
  readonly path: string;
  /** For KRIs: `mt`. */
  readonly shortName: string;
  readonly singularDisplayName: string;
  readonly pluralDisplayName: string;
  /** Shape of each `default`, of the blocks in core/model/shape/fields.ts. */
  readonly conf: ZodMiniType<Conf>;
  /** What the top-level targetRef may name. */
  readonly topKinds: readonly TargetKind[];
  /** What `to` may name; absent: the policy has no `to`. */
  readonly toKinds?: readonly TargetKind[];
  /** What `from` may name; absent: the policy has no `from`. */
  readonly fromKinds?: readonly TargetKind[];
  readonly hasRules?: boolean;
  /** The policy says something about the whole proxy in `default`. */
  readonly hasDefault?: boolean;
  /** Rules beyond shape for one conf. `path` leads to it, from the spec on. */
  validate(conf: Conf, path: FieldPath, place: ConfPlace): Violation[];
  /** Turns a merged conf into settings. Pure: equal confs and targets give equal settings. */
  contribute(conf: Conf, target: PolicyTarget): SettingsPatch;
  /** The policies that every new mesh begins with, unless the mesh declines them. */
  initial?(mesh: string): readonly InitialPolicy<Conf>[];
}

/** A policy type, ready to be used. */
export interface Policy {
  readonly definition: PolicyDefinition;
  readonly type: ResourceType<PolicySpec>;
}

/**
 * Gives a definition its types: the confs it is given are what its shape says. A stored policy has passed that shape, so
 * everything else may go without knowing it.
 */
export function definePolicy<Conf>(definition: PolicyDefinition<Conf>): PolicyDefinition {
  return definition as PolicyDefinition<never> as PolicyDefinition;
}

/** Makes the resource type that belongs to a definition. */
export function createPolicy(definition: PolicyDefinition): Policy {
  return { definition, type: createPolicyType(definition) };
}
