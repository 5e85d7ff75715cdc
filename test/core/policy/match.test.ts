import assert from "node:assert/strict";
import { test } from "node:test";
import type { ResourceDraft } from "../../../core/model/resource.ts";
import type { DataplaneSpec } from "../../../core/model/types/dataplane.ts";
import { type Selection, selectProxy } from "../../../core/policy/match.ts";
import { dataplane } from "../view/fixtures.ts";
import { rules, target, timeout } from "./fixtures.ts";

const WEB = dataplane("web-1", {
  labels: { app: "web", "kuma.io/zone": "default" },
  inbound: [
    { service: "web", port: 80, name: "main", tags: { version: "1" } },
    { service: "admin", port: 81, tags: { version: "1" } },
    { service: "web", port: 82, tags: { version: "2" } },
    { service: "web", port: 83, state: "Ignored" },
  ],
});
const CLIENT = dataplane("client-1", { outbound: ["web"] });
const GATEWAY: ResourceDraft<DataplaneSpec> = {
  ...dataplane("gw-1"),
  spec: { networking: { address: "10.0.0.1", gateway: { tags: { "kuma.io/service": "gw" } } } },
};

type Row = readonly [
  what: string,
  ref: object,
  dataplane: ResourceDraft<DataplaneSpec>,
  expected: Selection | undefined,
];

const ROWS: readonly Row[] = [
  ["no targetRef is the whole mesh", {}, WEB, "all"],
  ["Mesh", target("Mesh"), WEB, "all"],
  ["Mesh selects who only consumes", target("Mesh"), CLIENT, "all"],
  ["proxyTypes Sidecar", target("Mesh", { proxyTypes: ["Sidecar"] }), WEB, "all"],
  ["proxyTypes Sidecar, a gateway", target("Mesh", { proxyTypes: ["Sidecar"] }), GATEWAY, undefined],
  ["proxyTypes Gateway", target("Mesh", { proxyTypes: ["Gateway"] }), WEB, undefined],
  ["proxyTypes Gateway, a gateway", target("Mesh", { proxyTypes: ["Gateway"] }), GATEWAY, "all"],
  ["no proxyTypes are all", target("Mesh", { proxyTypes: [] }), GATEWAY, "all"],
  ["Dataplane without name", target("Dataplane"), WEB, "all"],
  ["Dataplane by name", target("Dataplane", { name: "web-1" }), WEB, "all"],
  ["Dataplane by another name", target("Dataplane", { name: "web-2" }), WEB, undefined],
  ["Dataplane by labels", target("Dataplane", { labels: { app: "web" } }), WEB, "all"],
  ["every label must be there", target("Dataplane", { labels: { app: "web", team: "x" } }), WEB, undefined],
  ["an inherited property is no label", target("Dataplane", { labels: { constructor: "x" } }), WEB, undefined],
  ["the display name is the name", target("Dataplane", { labels: { "kuma.io/display-name": "web-1" } }), WEB, "all"],
  ["sectionName is an inbound's name", target("Dataplane", { name: "web-1", sectionName: "main" }), WEB, [0]],
  ["or the port of one without a name", target("Dataplane", { sectionName: "81" }), WEB, [1]],
  ["a named inbound goes by its name", target("Dataplane", { sectionName: "80" }), WEB, undefined],
  ["an ignored inbound is never selected", target("Dataplane", { sectionName: "83" }), WEB, undefined],
  ["MeshSubset selects inbounds", target("MeshSubset", { tags: { version: "1" } }), WEB, [0, 1]],
  [
    "all tags on the same inbound",
    target("MeshSubset", { tags: { version: "2", "kuma.io/service": "admin" } }),
    WEB,
    undefined,
  ],
  ["MeshSubset without tags", target("MeshSubset", { tags: {} }), CLIENT, "all"],
  ["MeshSubset of a gateway's tags", target("MeshSubset", { tags: { "kuma.io/service": "gw" } }), GATEWAY, "all"],
  [
    "MeshSubset for gateways only",
    target("MeshSubset", { tags: { version: "1" }, proxyTypes: ["Gateway"] }),
    WEB,
    undefined,
  ],
  ["MeshService is a tag", target("MeshService", { name: "web" }), WEB, [0, 2]],
  ["MeshService that is not served", target("MeshService", { name: "web" }), CLIENT, undefined],
  ["MeshServiceSubset", target("MeshServiceSubset", { name: "web", tags: { version: "2" } }), WEB, [2]],
  ["MeshGateway has no type yet", target("MeshGateway", { name: "gw" }), GATEWAY, undefined],
];

for (const [what, ref, proxy, expected] of ROWS) {
  test(`selects: ${what}`, () => {
    assert.deepEqual(selectProxy(timeout("p", { ...ref, ...rules({ idleTimeout: "1s" }) }), proxy), expected);
  });
}

test("a policy that came from another zone is for that zone's proxies, unless its role is producer", () => {
  const spec = rules({ idleTimeout: "1s" });
  const from = (labels: Record<string, string>) => selectProxy(timeout("p", spec, labels), WEB);
  assert.equal(from({ "kuma.io/origin": "zone", "kuma.io/zone": "default" }), "all");
  assert.equal(from({ "kuma.io/origin": "zone", "kuma.io/zone": "other" }), undefined);
  assert.equal(from({ "kuma.io/origin": "global", "kuma.io/zone": "other" }), "all");
  const producer = { "kuma.io/origin": "zone", "kuma.io/zone": "other", "kuma.io/policy-role": "producer" };
  assert.equal(from(producer), "all");
});

test("a policy for consumers, or of a workload's owner, stays in its namespace", () => {
  const namespace = "k8s.kuma.io/namespace";
  const policy = (role: string) =>
    timeout("p", rules({ idleTimeout: "1s" }), { "kuma.io/policy-role": role, [namespace]: "shop" });
  const at = (name: string) => dataplane("d", { labels: { [namespace]: name } });
  for (const role of ["consumer", "workload-owner"]) {
    assert.equal(selectProxy(policy(role), at("shop")), "all");
    assert.equal(selectProxy(policy(role), at("other")), undefined);
    assert.equal(selectProxy(policy(role), WEB), undefined);
  }
  assert.equal(selectProxy(policy("system"), WEB), "all");
});
