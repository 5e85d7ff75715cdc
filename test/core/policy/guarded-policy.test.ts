import assert from "node:assert/strict";
import { test } from "node:test";
import { createLogger } from "../../../core/kernel/log.ts";
import { createGuardedPolicy } from "../../../core/policy/guarded-policy.ts";
import type { PolicyDefinition } from "../../../core/policy/policy.ts";
import { builtinPolicies } from "../../../plugins/policy-builtins.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const lines: string[] = [];
const log = createLogger({ write: (_level, _event, text) => lines.push(text) });
const options = { kind: "policy", name: "mine", file: "/etc/mine.mjs", clock: new ManualClock(), log };
const sound = builtinPolicies()[0]?.definition as PolicyDefinition;
const target = { direction: "outbound", service: "web", protocol: "http" } as const;

test("a policy that breaks in contribute has no effect and is logged once", () => {
  for (const [contribute, text] of [
    [() => assert.fail("boom"), /contribute failed: boom/],
    [() => undefined as never, /contribute returned undefined/],
    [() => Promise.resolve({}) as never, /contribute returned a promise/],
    [() => ({ cluster: { connectTimeout: -1 } }), /cluster\.connectTimeout as -1/],
    [() => ({ route: { requestTimeout: "5s" } }) as never, /route\.requestTimeout as 5s/],
    [() => ({ cluster: { circuitBreaker: {} as never } }), /circuitBreaker\.maxConnections as undefined/],
    [() => ({ listener: { failureLog: true } as never }), /listener\.failureLog, which is no setting/],
    [() => ({ engine: {} }) as never, /engine, which is no group of settings/],
  ] as const) {
    lines.length = 0;
    const guarded = createGuardedPolicy({ ...sound, contribute }, options);
    for (let again = 0; again < 3; again++) assert.deepEqual(guarded.contribute({}, target), {});
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? "", text);
    assert.match(lines[0] ?? "", /^the policy plugin "mine" broke its contract/);
  }
});

test("a policy that breaks in validate refuses the definition at its place", () => {
  const place = { section: "to", topKind: "Mesh", matchesOn: [] } as const;
  for (const validate of [() => assert.fail("boom"), () => true as never, () => [{ text: "x" }] as never]) {
    const [problem] = createGuardedPolicy({ ...sound, validate }, options).validate({}, ["to", 0, "default"], place);
    assert.equal(problem?.field, "to[0].default");
    assert.match(problem?.message ?? "", /"mine" broke its contract: validate failed: /);
  }
});

test("a sound policy is as it was", () => {
  const conf = { connectionTimeout: 7, http: { requestTimeout: 5 } } as never;
  assert.deepEqual(createGuardedPolicy(sound, options).contribute(conf, target), sound.contribute(conf, target));
});
