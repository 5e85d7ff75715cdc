import assert from "node:assert/strict";
import { test } from "node:test";
import { comparePolicies } from "../../../core/policy/rank.ts";
import { rules, target, timeout } from "./fixtures.ts";

const CONF = { requestTimeout: "1s" };
const make = (name: string, ref: object = {}, labels: Record<string, string> = {}) =>
  timeout(name, { ...ref, ...rules({ http: CONF }) }, labels);
const tags = { version: "1" };

/** Each list is in order, the weakest first. */
const ORDERS: Readonly<Record<string, readonly ReturnType<typeof make>[]>> = {
  "kinds, and no targetRef is Mesh": [
    make("b"),
    make("a", target("Mesh")),
    make("z", target("Dataplane")),
    make("z", target("MeshSubset", { tags })),
    make("z", target("MeshGateway", { name: "g" })),
    make("z", target("MeshService", { name: "s" })),
    make("z", target("MeshServiceSubset", { name: "s", tags })),
    timeout("z", {
      ...target("MeshHTTPRoute", { name: "r" }),
      to: [{ targetRef: { kind: "Mesh" }, default: { http: CONF } }],
    }),
  ],
  "kind before everything else": [
    make("z", target("Mesh"), { "kuma.io/origin": "zone", "kuma.io/policy-role": "workload-owner" }),
    make("a", target("Dataplane"), { "kuma.io/origin": "global" }),
  ],
  "a section of a Dataplane before the whole": [
    make("a", target("Dataplane", { name: "d" })),
    make("z", target("Dataplane", { sectionName: "80" })),
  ],
  "specificity before origin": [
    make("a", target("Dataplane"), { "kuma.io/origin": "zone" }),
    make("a", target("Dataplane", { sectionName: "80" }), { "kuma.io/origin": "global" }),
  ],
  "tags of a gateway's listener": [
    make("a", target("MeshGateway", { name: "g" })),
    make("z", target("MeshGateway", { name: "g", tags })),
  ],
  "origin before role": [
    make("a", {}, { "kuma.io/origin": "global", "kuma.io/policy-role": "consumer" }),
    make("z", {}, { "kuma.io/origin": "zone" }),
  ],
  roles: ["system", "producer", "consumer", "workload-owner"].map((role) =>
    make(`z-${role}`, {}, { "kuma.io/policy-role": role }),
  ),
  "no role is system": [make("b", {}), make("a", {}, { "kuma.io/policy-role": "system" })],
  "the first name in the alphabet is the strongest": [make("c"), make("b"), make("a")],
  "the display name counts, not the name": [make("a", {}, { "kuma.io/display-name": "z" }), make("b")],
};

for (const [what, order] of Object.entries(ORDERS)) {
  test(`ranking: ${what}`, () => {
    assert.deepEqual(order.toReversed().sort(comparePolicies), order);
    assert.deepEqual(order.toSorted(comparePolicies), order);
  });
}
