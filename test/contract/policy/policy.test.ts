import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runCases } from "../../../core/kernel/contract.ts";
import { POLICY_CASES, policyCaseContext } from "../../../core/policy/contract/policy-cases.ts";
import type { PolicyDefinition } from "../../../core/policy/policy.ts";
import { builtinPolicies } from "../../../plugins/policy-builtins.ts";
import { meshTimeout } from "../../../plugins/policy-mesh-timeout/mesh-timeout.ts";

for (const { definition } of builtinPolicies()) {
  describe(`policy contract: ${definition.name}`, () => {
    for (const { name, run } of POLICY_CASES) it(name, async () => run(policyCaseContext(definition)));
  });
}

let count = 0;
const BROKEN: readonly { readonly what: string; readonly broken: Partial<PolicyDefinition>; readonly finds: RegExp }[] =
  [
    { what: "has a name that is no type", broken: { name: "mesh-timeout" }, finds: /^its names/ },
    { what: "names a kind that does not exist", broken: { topKinds: ["Mush" as never] }, finds: /^it has a section/ },
    {
      what: "complains about another place",
      broken: { validate: () => [{ field: "spec", message: "is odd" }] },
      finds: /^what it says about a conf/,
    },
    {
      what: "changes the conf that it checks",
      broken: {
        validate: (conf) => {
          (conf as { idleTimeout?: number }).idleTimeout = 1;
          return [];
        },
      },
      finds: /^what it says about a conf/,
    },
    {
      what: "gives a setting that does not exist",
      broken: { contribute: () => ({ route: { x: 1 } as object }) },
      finds: /^it gives/,
    },
    {
      what: "gives something else each time",
      broken: { contribute: () => ({ cluster: { idleTimeout: ++count } }) },
      finds: /^it gives/,
    },
    {
      what: "says something without being asked",
      broken: { contribute: () => ({ cluster: { idleTimeout: 1 } }) },
      finds: /^a conf that says nothing/,
    },
    {
      what: "begins a mesh with what it refuses itself",
      broken: { initial: () => [{ name: "a", spec: { to: [] } }] },
      finds: /^the policies that it begins/,
    },
  ];

describe("policy contract: what it finds", () => {
  for (const { what, broken, finds } of BROKEN) {
    it(`a policy that ${what}`, async () => {
      const context = policyCaseContext({ ...meshTimeout, ...broken });
      const failed: string[] = [];
      const run = async (each: (typeof POLICY_CASES)[number]) => each.run(context);
      for await (const { name, result } of runCases(POLICY_CASES, { run }, new AbortController().signal)) {
        if (result === "failed") failed.push(name);
      }
      assert.ok(
        failed.some((name) => finds.test(name)),
        failed.join("; "),
      );
    });
  }
});
