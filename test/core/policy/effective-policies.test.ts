import assert from "node:assert/strict";
import { test } from "node:test";
import { INBOUND, OUTBOUND } from "../../../core/envoy/settings.ts";
import { EffectivePolicies } from "../../../core/policy/effective-policies.ts";
import { createPolicy, type PolicyDefinition } from "../../../core/policy/policy.ts";
import { concernsProxy } from "../../../core/policy/policy-catalogue.ts";
import { dataplane } from "../view/fixtures.ts";
import { effective, MESH_TIMEOUT, rules, target, timeout, to } from "./fixtures.ts";

const web = dataplane("web-1", {
  inbound: [
    { service: "web", port: 80, name: "main" },
    { service: "web", port: 81, name: "other" },
  ],
  outbound: ["backend", "redis"],
});
const http = { service: "backend", protocol: "http" } as const;

test("without policies everything has its default", () => {
  const policies = effective().forProxy(web);
  assert.equal(policies.outbound.settings(http), OUTBOUND);
  assert.equal(policies.inbound(0).settings({ service: "web", protocol: "tcp" }), INBOUND);
  assert.equal(policies.matched().size, 0);
});

test("the strongest policy wins value by value, and within a policy the last item", () => {
  const policies = effective(
    timeout("all", to({ connectionTimeout: "1s", http: { requestTimeout: "2s", streamIdleTimeout: "3s" } })),
    timeout("mine", {
      ...target("Dataplane", { name: "web-1" }),
      to: [
        { targetRef: { kind: "MeshService", name: "backend" }, default: { http: { requestTimeout: "9s" } } },
        { targetRef: { kind: "MeshService", name: "backend" }, default: { http: { requestTimeout: "4s" } } },
        { targetRef: { kind: "MeshService", name: "redis" }, default: { idleTimeout: "5s" } },
      ],
    }),
  ).forProxy(web);
  const { listener, cluster, route } = policies.outbound.settings(http);
  assert.equal(cluster.connectTimeout, 1000);
  assert.equal(route.requestTimeout, 4000);
  assert.equal(listener.streamIdleTimeout, 3000);
  assert.equal(listener.idleTimeout, OUTBOUND.listener.idleTimeout);
  const redis = policies.outbound.settings({ service: "redis", protocol: "tcp" });
  assert.equal(redis.listener.idleTimeout, 5000);
  assert.equal(redis.route.requestTimeout, 2000);
});

test("a whole-mesh item of a stronger policy beats a service's item of a weaker one", () => {
  const weak = timeout("weak", to({ http: { requestTimeout: "1s" } }, "backend"));
  const strong = timeout("strong", { ...target("Dataplane"), ...to({ http: { requestTimeout: "2s" } }) });
  assert.equal(effective(weak, strong).forProxy(web).outbound.settings(http).route.requestTimeout, 2000);
});

test("what is said about inbounds is for the selected ones, what is said in to for the whole proxy", () => {
  const inboundOnly = timeout("a", {
    ...target("Dataplane", { sectionName: "other" }),
    ...rules({ http: { requestTimeout: "1s" } }),
  });
  const byTag = timeout("b", {
    ...target("MeshSubset", { tags: { "kuma.io/service": "web" } }),
    ...to({ http: { requestTimeout: "2s" } }),
  });
  const policies = effective(inboundOnly, byTag).forProxy(web);
  const inbound = (index: number) => policies.inbound(index).settings({ service: "web", protocol: "http" });
  assert.equal(inbound(0).route.requestTimeout, 0);
  assert.equal(inbound(1).route.requestTimeout, 1000);
  assert.equal(policies.outbound.settings(http).route.requestTimeout, 2000);
});

test("from and rules say the same about an inbound", () => {
  const conf = { idleTimeout: "7s" };
  const settingsOf = (spec: object) =>
    effective(timeout("a", { ...spec }))
      .forProxy(web)
      .inbound(0)
      .settings({ service: "web", protocol: "tcp" });
  assert.deepEqual(settingsOf(rules(conf)), settingsOf({ from: [{ targetRef: { kind: "Mesh" }, default: conf }] }));
});

test("rules for some callers only apply to nobody as long as callers are not known", () => {
  const spec = {
    rules: [
      {
        matches: [{ spiffeID: { type: "Exact", value: "spiffe://default/a" } }],
        default: { http: { requestTimeout: "1s" } },
      },
    ],
  };
  assert.equal(effective(timeout("a", spec)).forProxy(web).inbound(0).confs("web").length, 0);
});

test("a shadow policy changes nothing", () => {
  const shadow = timeout("s", to({ http: { requestTimeout: "1s" } }), { "kuma.io/effect": "shadow" });
  assert.equal(effective(shadow).forProxy(web).outbound.settings(http), OUTBOUND);
  assert.equal(concernsProxy({ before: undefined, after: shadow }, web), false);
  const applied = { ...shadow, labels: {} };
  assert.equal(concernsProxy({ before: shadow, after: applied }, web), true);
  assert.equal(concernsProxy({ before: applied, after: undefined }, web), true);
});

test("a change concerns whoever is selected before or after it", () => {
  const of = (name: string) => timeout("p", { ...target("Dataplane", { name }), ...to({ idleTimeout: "1s" }) });
  assert.equal(concernsProxy({ before: of("web-1"), after: of("web-2") }, web), true);
  assert.equal(concernsProxy({ before: of("web-2"), after: of("web-1") }, web), true);
  assert.equal(concernsProxy({ before: of("web-2"), after: of("web-3") }, web), false);
});

test("proxies that the same policies select share what these mean", () => {
  const policies = effective(
    timeout("all", to({ idleTimeout: "1s" })),
    timeout("own", {
      ...target("Dataplane", { name: "web-1" }),
      ...to({ idleTimeout: "2s" }),
    }),
  );
  const [one, two, own] = ["a", "b", "web-1"].map((name) => policies.forProxy(dataplane(name)).outbound);
  assert.equal(one, two);
  assert.equal(one?.settings(http), two?.settings(http));
  assert.notEqual(one, own);
  assert.equal(own?.settings(http).cluster.idleTimeout, 2000);
});

test("settings are in the order of the defaults, whatever a policy says and in what order", () => {
  const odd: PolicyDefinition<object> = {
    ...(MESH_TIMEOUT.definition as PolicyDefinition<object>),
    contribute: () => ({ cluster: { idleTimeout: 1, connectTimeout: 2, nonsense: 3 } as object }),
  };
  const made = new EffectivePolicies([createPolicy(odd)], () => [timeout("a", to({ idleTimeout: "1s" }))]);
  const { cluster } = made.forProxy(web).outbound.settings(http);
  assert.deepEqual(Object.keys(cluster), Object.keys(OUTBOUND.cluster));
  assert.equal(cluster.connectTimeout, 2);
});
