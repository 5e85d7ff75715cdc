import assert from "node:assert/strict";
import { test } from "node:test";
import { INBOUND, OUTBOUND } from "../../../core/envoy/settings.ts";
import type { Resource } from "../../../core/model/resource.ts";
import { draftFromJson, resourceToJson } from "../../../core/model/resource-json.ts";
import { EffectivePolicies } from "../../../core/policy/effective-policies.ts";
import { createPolicy } from "../../../core/policy/policy.ts";
import type { PolicySpec } from "../../../core/policy/policy-spec.ts";
import { initialTimeouts } from "../../../plugins/policy-mesh-timeout/initial.ts";
import { meshTimeout } from "../../../plugins/policy-mesh-timeout/mesh-timeout.ts";
import { dataplane } from "../../core/view/fixtures.ts";

const POLICY = createPolicy(meshTimeout);

function read(spec: unknown, labels: Record<string, string> = {}) {
  const json = { type: "MeshTimeout", mesh: "default", name: "t", labels, spec };
  return draftFromJson(POLICY.type, json, { strict: false });
}

const violations = (spec: unknown) => read(spec).violations.map(({ field, message }) => `${field}: ${message}`);
const warnings = (spec: unknown, labels?: Record<string, string>) =>
  POLICY.type.warnings?.(read(spec, labels).draft as never) ?? [];

const MESH = { kind: "Mesh" };
const OK = { http: { requestTimeout: "1s" } };
const toMesh = (conf: unknown) => ({ to: [{ targetRef: MESH, default: conf }] });

const VALID: Readonly<Record<string, unknown>> = {
  "every field, in to and from": {
    targetRef: { kind: "Mesh", proxyTypes: ["Sidecar", "Gateway"] },
    ...Object.fromEntries(
      ["to", "from"].map((section) => [
        section,
        [
          {
            targetRef: MESH,
            default: {
              connectionTimeout: "10s",
              idleTimeout: "0s",
              http: {
                requestTimeout: "0s",
                streamIdleTimeout: "1h",
                maxStreamDuration: "1h30m",
                maxConnectionDuration: "1h",
                requestHeadersTimeout: "500ms",
              },
            },
          },
        ],
      ]),
    ),
  },
  "all kinds of to": {
    to: [
      { targetRef: MESH, default: OK },
      { targetRef: { kind: "MeshService", name: "b" }, default: OK },
      { targetRef: { kind: "MeshService", labels: { app: "b" }, sectionName: "http" }, default: OK },
      { targetRef: { kind: "MeshExternalService", name: "b" }, default: OK },
      { targetRef: { kind: "MeshMultiZoneService", labels: { app: "b" } }, default: OK },
      { targetRef: { kind: "MeshHTTPRoute", name: "r" }, default: OK },
    ],
  },
  rules: { rules: [{ default: { idleTimeout: "1s" } }, { matches: [], default: OK }] },
  "a section of a Dataplane": {
    targetRef: { kind: "Dataplane", name: "d", sectionName: "80" },
    rules: [{ default: OK }],
  },
  "a route at the top": { targetRef: { kind: "MeshHTTPRoute", name: "r" }, ...toMesh(OK) },
  "only the time for headers": toMesh({ http: { requestHeadersTimeout: "1s" } }),
};

for (const [what, spec] of Object.entries(VALID)) {
  test(`valid: ${what}`, () => assert.deepEqual(violations(spec), []));
}

const SPIFFE = { spiffeID: { type: "Exact", value: "spiffe://default/a" } };
const BY_ROUTE = "can't be specified when top-level TargetRef is referencing MeshHTTPRoute";
const BY_CALLER =
  "can't be specified when matches contain spiffeID because this field cannot be conditioned on source identity";

const INVALID: Readonly<Record<string, readonly [spec: unknown, ...expected: string[]]>> = {
  "nothing said": [{ targetRef: MESH }, "spec: at least one of 'to', 'from' or 'rules' has to be defined"],
  "no spec": [undefined, "spec: at least one of 'to', 'from' or 'rules' has to be defined"],
  "rules beside to": [
    { ...toMesh(OK), rules: [{ default: OK }] },
    "spec: fields 'to' and 'from' must be empty when 'rules' is defined",
  ],
  "an unknown field": [
    toMesh({ idleTimeot: "1s" }),
    "spec.to[0].default.idleTimeot: is no field. Nearest: idleTimeout",
  ],
  "an unknown section": [{ ...toMesh(OK), form: [] }, "spec.form: is no field. Nearest: from"],
  "no duration": [
    toMesh({ idleTimeout: "soon" }),
    'spec.to[0].default.idleTimeout: must be a duration such as 5s, not "soon"',
  ],
  "a number": [toMesh({ idleTimeout: "5" }), 'spec.to[0].default.idleTimeout: must be a duration such as 5s, not "5"'],
  "longer than Go can say": [
    toMesh({ idleTimeout: "9999999h" }),
    'spec.to[0].default.idleTimeout: must be a duration such as 5s, not "9999999h"',
  ],
  "shorter than a nanosecond": [
    toMesh({ connectionTimeout: "0.5ns" }),
    "spec.to[0].default.connectionTimeout: must be greater than zero when defined",
  ],
  "no default": [{ to: [{ targetRef: MESH }] }, "spec.to[0].default: at least one timeout should be configured"],
  "empty http": [
    toMesh({ http: {} }),
    "spec.to[0].default.http: at least one timeout in this section should be configured",
  ],
  "no positive time to connect": [
    toMesh({ connectionTimeout: "0s" }),
    "spec.to[0].default.connectionTimeout: must be greater than zero when defined",
  ],
  "negative times": [
    toMesh({ idleTimeout: "-1s", http: { requestTimeout: "-10s" } }),
    "spec.to[0].default.idleTimeout: must not be negative when defined",
    "spec.to[0].default.http.requestTimeout: must not be negative when defined",
  ],
  "a kind that from does not take": [
    { from: [{ targetRef: { kind: "MeshSubset", tags: {} }, default: OK }] },
    'spec.from[0].targetRef.kind: must be one of Mesh, not "MeshSubset"',
  ],
  "a kind that to does not take": [
    { to: [{ targetRef: { kind: "MeshServiceSubset", name: "b" }, default: OK }] },
    'spec.to[0].targetRef.kind: must be one of Mesh, MeshService, MeshExternalService, MeshMultiZoneService, MeshHTTPRoute, not "MeshServiceSubset"',
  ],
  "no kind": [{ targetRef: {}, ...toMesh(OK) }, "spec.targetRef.kind: is required"],
  "a kind that the top does not take": [
    { targetRef: { kind: "MeshExternalService", name: "x" }, ...toMesh(OK) },
    'spec.targetRef.kind: must be one of Mesh, Dataplane, MeshSubset, MeshGateway, MeshService, MeshServiceSubset, MeshHTTPRoute, not "MeshExternalService"',
  ],
  "fields that the kind does not have": [
    {
      targetRef: { kind: "Mesh", name: "m", tags: { a: "b" } },
      to: [{ targetRef: { kind: "MeshHTTPRoute", name: "r", sectionName: "s" }, default: OK }],
    },
    "spec.targetRef.name: must not be set with kind Mesh",
    "spec.targetRef.tags: must not be set with kind Mesh",
    "spec.to[0].targetRef.sectionName: must not be set with kind MeshHTTPRoute",
  ],
  "name and labels": [
    { to: [{ targetRef: { kind: "MeshExternalService", name: "x", labels: { a: "b" } }, default: OK }] },
    "spec.to[0].targetRef.labels: either labels or name must be specified",
  ],
  "no name": [
    { targetRef: { kind: "MeshService" }, to: [{ targetRef: { kind: "MeshService" }, default: OK }] },
    "spec.targetRef.name: is required",
    "spec.to[0].targetRef.name: is required",
  ],
  "a bad tag and a bad proxy type": [
    { targetRef: { kind: "MeshSubset", tags: { a: "b c" }, proxyTypes: ["Ingress"] }, ...toMesh(OK) },
    "spec.targetRef.proxyTypes[0]: must be one of Sidecar, Gateway",
    "spec.targetRef.tags.a: must consist of letters, digits, '.', '-', '_' and ':'",
  ],
  "a section with to": [
    { targetRef: { kind: "Dataplane", sectionName: "80" }, ...toMesh(OK) },
    "spec.targetRef.sectionName: can only be used with inbound policies",
  ],
  "a route at the top": [
    {
      targetRef: { kind: "MeshHTTPRoute", name: "r" },
      to: [
        {
          targetRef: { kind: "MeshService", name: "b" },
          default: {
            connectionTimeout: "1s",
            idleTimeout: "1s",
            http: { requestTimeout: "1s", maxStreamDuration: "1s", maxConnectionDuration: "1s" },
          },
        },
      ],
      from: [{ targetRef: MESH, default: OK }],
    },
    "spec.from: must not be defined",
    'spec.to[0].targetRef.kind: must be one of Mesh, MeshExternalService, not "MeshService"',
    `spec.to[0].default.connectionTimeout: ${BY_ROUTE}`,
    `spec.to[0].default.idleTimeout: ${BY_ROUTE}`,
    `spec.to[0].default.http.maxStreamDuration: ${BY_ROUTE}`,
    `spec.to[0].default.http.maxConnectionDuration: ${BY_ROUTE}`,
  ],
  matches: [
    {
      rules: [
        { matches: [{}], default: OK },
        { matches: [{ spiffeID: { type: "Regex", value: "x" }, sni: { type: "Prefix" } }], default: OK },
        {
          matches: [SPIFFE],
          default: {
            connectionTimeout: "1s",
            http: { requestTimeout: "1s", requestHeadersTimeout: "2s", maxStreamDuration: "3s" },
          },
        },
      ],
    },
    "spec.rules[0].matches[0]: must specify at least one of 'spiffeID' or 'sni'",
    "spec.rules[1].matches[0].spiffeID.type: must be one of Exact, Prefix",
    "spec.rules[1].matches[0].spiffeID.value: must begin with spiffe://",
    "spec.rules[1].matches[0].sni.type: must be one of Exact",
    "spec.rules[1].matches[0].sni.value: is required",
    `spec.rules[2].default.connectionTimeout: ${BY_CALLER}`,
    `spec.rules[2].default.http.requestHeadersTimeout: ${BY_CALLER}`,
    `spec.rules[2].default.http.maxStreamDuration: ${BY_CALLER}`,
  ],
};

for (const [what, [spec, ...expected]] of Object.entries(INVALID)) {
  test(`invalid: ${what}`, () => assert.deepEqual(violations(spec), expected));
}

test("what is deprecated or matches nothing in this version is told", () => {
  assert.deepEqual(warnings(toMesh(OK)), []);
  assert.deepEqual(warnings(toMesh(OK), { "kuma.io/effect": "shadow" }), [
    "label kuma.io/effect is shadow: the policy is not applied",
  ]);
  assert.deepEqual(warnings({ from: [{ targetRef: MESH, default: OK }] }), [
    "'from' field is deprecated, use 'rules' instead",
  ]);
  assert.deepEqual(
    warnings({ targetRef: { kind: "MeshService", name: "b" }, rules: [{ matches: [SPIFFE], default: OK }] }),
    [
      "MeshService value for 'targetRef.kind' is deprecated, use Dataplane with labels instead",
      "spec.rules[0].matches: without mutual TLS, which this version does not have, it matches nothing",
    ],
  );
  assert.deepEqual(warnings({ targetRef: { kind: "MeshGateway", name: "g" }, ...toMesh(OK) }), [
    "spec.targetRef: this version has no MeshGateway resources, so the policy matches no proxy",
  ]);
  const refs = [
    { kind: "MeshService", name: "b" },
    { kind: "MeshService", name: "b", sectionName: "http" },
    { kind: "MeshExternalService", name: "b" },
  ];
  assert.deepEqual(warnings({ to: refs.map((targetRef) => ({ targetRef, default: OK })) }), [
    "spec.to[1].targetRef: this version has no MeshService resources, so it matches nothing",
    "spec.to[2].targetRef: this version has no MeshExternalService resources, so it matches nothing",
  ]);
});

test("the spec is written under spec, with durations as Go writes them", () => {
  const spec = toMesh({
    connectionTimeout: "90s",
    idleTimeout: "0",
    http: { requestTimeout: "1.5s", streamIdleTimeout: "1h" },
  });
  assert.deepEqual(resourceToJson(POLICY.type, read(spec).draft), {
    type: "MeshTimeout",
    mesh: "default",
    name: "t",
    spec: toMesh({
      connectionTimeout: "1m30s",
      idleTimeout: "0s",
      http: { requestTimeout: "1.5s", streamIdleTimeout: "1h0m0s" },
    }),
  });
});

function stored(): Resource<PolicySpec>[] {
  return initialTimeouts("default").map(({ name, spec }) => {
    const json = resourceToJson(POLICY.type, { type: "MeshTimeout", mesh: "default", name, labels: {}, spec });
    const { draft, violations: problems } = draftFromJson(POLICY.type, json, { strict: true });
    assert.deepEqual(problems, []);
    return { ...draft, creationTime: 0, modificationTime: 0, version: 1, revision: 1 };
  });
}

test("the policies of a new mesh are valid and say to a sidecar what the defaults say", () => {
  const policies = new EffectivePolicies([POLICY], stored).forProxy(dataplane("d", { inbound: [{ service: "a" }] }));
  assert.equal([...policies.matched().values()].flat().length, 1);
  assert.deepEqual(policies.outbound.settings({ service: "b", protocol: "http" }), OUTBOUND);
  assert.deepEqual(policies.inbound(0).settings({ service: "a", protocol: "http" }), INBOUND);
});

test("a gateway begins with shorter times for streams", () => {
  const gateway = { ...dataplane("g"), spec: { networking: { address: "10.0.0.1", gateway: { tags: {} } } } };
  const policies = new EffectivePolicies([POLICY], stored).forProxy(gateway);
  const { listener, route } = policies.outbound.settings({ service: "b", protocol: "http" });
  assert.equal(listener.streamIdleTimeout, 5000);
  assert.equal(route.requestTimeout, OUTBOUND.route.requestTimeout);
});
