import assert from "node:assert/strict";
import type { ContractCase } from "../../kernel/contract.ts";
import type { Violation } from "../../kernel/errors.ts";
import { PROTOCOLS } from "../../model/dataplane/access.ts";
import { isWithin } from "../../model/field-path.ts";
import { draftFromJson, resourceToJson } from "../../model/resource-json.ts";
import { fieldsOf } from "../../model/shape/proto-json.ts";
import { deepFreeze } from "../../store/stored-value.ts";
import { wrongPatch } from "../patch-check.ts";
import {
  type ConfPlace,
  createPolicy,
  type Policy,
  type PolicyDefinition,
  type PolicyTarget,
  type SettingsPatch,
} from "../policy.ts";
import type { PolicySpec } from "../policy-spec.ts";
import { sectionsOf } from "../policy-type.ts";
import { TARGET_KINDS } from "../target-ref.ts";

export interface PolicyCaseContext {
  /** What the plugin's `create` returned. */
  readonly definition: PolicyDefinition;
  /** The settings that a conf gives to the traffic of one target. */
  settings(conf: unknown, target?: Partial<PolicyTarget>): SettingsPatch;
  /** What is wrong with a conf that stands at `to[0].default` of a policy for the whole mesh, or at another place. */
  violations(conf: unknown, place?: Partial<ConfPlace>): readonly Violation[];
}

export type PolicyCase = ContractCase<PolicyCaseContext>;

/** What the cases of a plugin are given. */
export function policyCaseContext(definition: PolicyDefinition): PolicyCaseContext {
  return {
    definition,
    settings: (conf, target = {}) =>
      definition.contribute(deepFreeze(structuredClone(conf)), {
        direction: "outbound",
        service: "backend",
        protocol: "http",
        ...target,
      }),
    violations(conf, change = {}) {
      const place: ConfPlace = { section: "to", topKind: "Mesh", matchesOn: [], ...change };
      const path = place.section === "default" ? ["default"] : [place.section, 0, "default"];
      return definition.validate(deepFreeze(structuredClone(conf)), path, place);
    },
  };
}

const TARGETS = (["inbound", "outbound"] as const).flatMap((direction) =>
  PROTOCOLS.map((protocol): PolicyTarget => ({ direction, protocol, service: "backend" })),
);

/** What every policy keeps to. */
export const POLICY_CASES: readonly PolicyCase[] = [
  {
    name: "its names can be used in files, paths and KRIs",
    run({ definition: { name, path, shortName } }) {
      assert.match(name, /^[A-Z][A-Za-z0-9]*$/, "name is in CamelCase");
      assert.match(path, /^[a-z][a-z0-9-]*$/, "path has small letters, digits and hyphens");
      assert.match(shortName, /^[a-z][a-z0-9]*$/, "shortName has small letters and digits");
    },
  },
  {
    name: "it has a section, names only kinds that there are, and its conf has fields",
    run({ definition }) {
      assert.ok(sectionsOf(definition).length > 0, "one of toKinds, fromKinds, hasRules, hasDefault");
      const kinds = [definition.topKinds, definition.toKinds ?? [], definition.fromKinds ?? []].flat();
      assert.ok(definition.topKinds.length > 0, "topKinds");
      for (const kind of kinds) assert.ok(TARGET_KINDS.includes(kind), `${kind} is no kind`);
      assert.ok(Object.keys(fieldsOf(definition.conf) ?? {}).length > 0, "conf is made by message({ … })");
    },
  },
  {
    name: "what it says about a conf is about fields of that conf, and the conf stays as it is",
    run({ definition, violations }) {
      for (const section of sectionsOf(definition)) {
        const own = section === "default" ? section : `${section}[0].default`;
        for (const conf of [{}, ...confsOf(definition)]) {
          const found = violations(conf, { section });
          assert.ok(Array.isArray(found), "validate returns a list");
          for (const { field, message } of found) {
            assert.ok(isWithin(field, own), `${field} is not in ${own}`);
            assert.ok(message.length > 0, "a message");
          }
        }
      }
    },
  },
  {
    name: "it gives settings that there are, the same for the same conf, without changing it",
    run({ definition, settings }) {
      for (const conf of [{}, ...confsOf(definition)]) {
        for (const target of TARGETS) {
          const patch = settings(conf, target);
          assert.equal(wrongPatch(patch), undefined);
          assert.deepEqual(settings(conf, target), patch, "the same again");
        }
      }
    },
  },
  {
    name: "a conf that says nothing changes nothing",
    run({ settings }) {
      for (const target of TARGETS) {
        for (const part of Object.values(settings({}, target))) assert.deepEqual({ ...part }, {});
      }
    },
  },
  {
    name: "the policies that it begins a mesh with are valid, and can be written and read back",
    run({ definition }) {
      const policy = createPolicy(definition);
      const policies = definition.initial?.("shop") ?? [];
      assert.equal(new Set(policies.map(({ name }) => name)).size, policies.length, "each has a name of its own");
      for (const { name, spec } of policies) checkInitial(policy, name, spec);
    },
  },
];

function checkInitial({ type }: Policy, name: string, spec: PolicySpec): void {
  const json = resourceToJson(type, { type: type.name, mesh: "shop", name, labels: {}, spec });
  const { draft, violations } = draftFromJson(type, JSON.parse(JSON.stringify(json)), { strict: true });
  assert.deepEqual(violations, [], name);
  assert.deepEqual(draft.spec, spec, name);
}

/** Confs that the plugin itself thinks are good. */
function confsOf(definition: PolicyDefinition): unknown[] {
  return (definition.initial?.("shop") ?? []).flatMap(({ spec }) =>
    [spec, ...(spec.to ?? []), ...(spec.from ?? []), ...(spec.rules ?? [])].flatMap((each) => each.default ?? []),
  );
}
