import type { Violation } from "../kernel/errors.ts";
import type { ResourceDraft } from "./resource.ts";

/** A field that the type does not have. Over the wire it is ignored, in a local file it is an error. */
export interface UnknownField {
  readonly field: string;
  /** The known field of the same object that was probably meant. */
  readonly nearest: string | undefined;
}

/**
 * Shape check: plain JSON turned into a spec. `violations` says which fields have the wrong shape; `spec` then holds
 * neutral values in their place, so that `validate` can still find the other problems, but it must not be stored.
 */
export interface SpecResult<Spec> {
  readonly spec: Spec;
  readonly violations: readonly Violation[];
  readonly unknownFields: readonly UnknownField[];
}

/** What kind of policy a type is, in the words of `/_resources` (contract, section 7.5). */
export interface PolicyDescription {
  readonly isTargetRef: boolean;
  readonly hasToTargetRef: boolean;
  readonly hasFromTargetRef: boolean;
  readonly hasRulesTargetRef: boolean;
  readonly isFromAsRules: boolean;
}

/** Everything the rest of the code knows about one type of resource (contract, sections 7.1, 7.4 and 8). */
export interface ResourceType<Spec = unknown> {
  /** As in the `type` field: `Dataplane`. */
  readonly name: string;
  /** Collection path under `/meshes/{mesh}/` or `/`: `dataplanes`. */
  readonly path: string;
  readonly pathAliases: readonly string[];
  readonly scope: "Mesh" | "Global";
  /** For KRIs and `/_resources`: `dp`. */
  readonly shortName: string;
  readonly singularDisplayName: string;
  readonly pluralDisplayName: string;
  /** Written by the control plane only; REST answers 405. */
  readonly readOnly: boolean;
  /** Reading and writing need an admin (Secret, GlobalSecret). */
  readonly adminOnly: boolean;
  /** Kept in the store but unknown to REST and the command line. */
  readonly internal: boolean;
  /** Part of `kumactl export --profile federation`. */
  readonly includeInFederation: boolean;
  /**
   * Legacy (protobuf) types have their spec fields beside the meta fields; plugin types nest them under `spec`, and an
   * unknown field there is an error everywhere.
   */
  readonly layout: "inline" | "nested";
  /** Only policies have it. */
  readonly policy?: PolicyDescription | undefined;
  /** Parses the spec's JSON. Unknown fields are collected with their path, the caller decides whether they are errors. */
  parse(json: Readonly<Record<string, unknown>>): SpecResult<Spec>;
  /** The spec's JSON as Kuma writes it (zero values omitted, counters as strings). */
  toJson(spec: Spec): Record<string, unknown>;
  /** Rules beyond shape (contract, section 8.2). Field paths start at the spec (`networking.address`). */
  validate(draft: ResourceDraft<Spec>): Violation[];
  /** What is stored but has no effect (yet), one sentence each; REST returns them as `warnings`. */
  warnings?(draft: ResourceDraft<Spec>): string[];
}

/** Gives a type literal its types. Specs are read through `ResourceType<Spec>`; the registry holds them as unknown. */
export function defineResourceType<Spec>(type: ResourceType<Spec>): ResourceType<Spec> {
  return type;
}
