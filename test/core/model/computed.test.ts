import assert from "node:assert/strict";
import { test } from "node:test";
import { computeResource } from "../../../core/model/computed.ts";
import type { ResourceDraft } from "../../../core/model/resource.ts";
import { dataplaneType } from "../../../core/model/types/dataplane.ts";
import { type MeshSpec, meshType } from "../../../core/model/types/mesh.ts";
import { secretType } from "../../../core/model/types/secret.ts";

const dataplane = (labels: Record<string, string> = {}, networking: object = {}): ResourceDraft => ({
  type: "Dataplane",
  mesh: "m",
  name: "a",
  labels,
  spec: { networking: { address: "1.1.1.1", inbound: [{ port: 1, tags: { "kuma.io/service": "s" } }], ...networking } },
});

test("a Dataplane gets its zone tag and labels", () => {
  const draft = dataplane({ team: "x" });
  const { draft: computed, violations } = computeResource(dataplaneType, draft, { previous: undefined, mesh: {} });
  assert.deepEqual(violations, []);
  assert.deepEqual(computed.labels, {
    team: "x",
    "kuma.io/mesh": "m",
    "kuma.io/origin": "zone",
    "kuma.io/zone": "default",
    "kuma.io/env": "universal",
    "kuma.io/proxy-type": "sidecar",
  });
  assert.deepEqual(computed.spec, {
    networking: {
      address: "1.1.1.1",
      inbound: [{ port: 1, tags: { "kuma.io/service": "s", "kuma.io/zone": "default" } }],
    },
  });
  assert.deepEqual(draft, dataplane({ team: "x" }), "the draft itself is untouched");
  assert.deepEqual(dataplaneType.validate(computed as never), [], "what was computed is valid again");
});

test("a gateway gets them too; an untagged inbound not in an exclusive mesh", () => {
  const gateway = dataplane({}, { inbound: undefined, gateway: { tags: { "kuma.io/service": "g" } } });
  const computed = computeResource(dataplaneType, gateway, { previous: undefined, mesh: {} }).draft;
  assert.equal(computed.labels["kuma.io/proxy-type"], "gateway");
  const bare = dataplane({}, { inbound: [{ port: 1 }] });
  const exclusive: MeshSpec = { meshServices: { mode: "Exclusive" } };
  assert.deepEqual(
    computeResource(dataplaneType, bare, { previous: undefined, mesh: exclusive }).draft.spec,
    bare.spec,
  );
});

test("origin, zone and display name keep their value", () => {
  const previous = dataplane({ "kuma.io/origin": "zone", "kuma.io/zone": "default", "kuma.io/display-name": "A" });
  const kept = computeResource(dataplaneType, dataplane(), { previous, mesh: {} });
  assert.equal(kept.draft.labels["kuma.io/display-name"], "A");
  const changed = computeResource(
    dataplaneType,
    dataplane({ "kuma.io/origin": "global", "kuma.io/display-name": "B" }),
    {
      previous,
      mesh: {},
    },
  );
  assert.deepEqual(
    changed.violations.map((each) => each.field),
    ['labels["kuma.io/origin"]', 'labels["kuma.io/display-name"]'],
  );
});

test("Mesh and secrets belong to no zone", () => {
  for (const type of [meshType, secretType]) {
    const draft = { type: type.name, mesh: "", name: "x", labels: { a: "b" }, spec: {} };
    assert.deepEqual(computeResource(type, draft, { previous: undefined, mesh: undefined }).draft, draft);
  }
});

test("a mesh's constraints decide who may be a member", () => {
  const fields = (dataplaneProxy: object, draft = dataplane()) =>
    computeResource(dataplaneType, draft, {
      previous: undefined,
      mesh: { constraints: { dataplaneProxy } },
    }).violations.map((each) => each.field);
  assert.deepEqual(fields({ requirements: [{ tags: { "kuma.io/service": "*" } }] }), []);
  assert.deepEqual(fields({ requirements: [{ tags: { "kuma.io/zone": "default" } }, { tags: { x: "y" } }] }), []);
  assert.deepEqual(fields({ requirements: [{ tags: { team: "*" } }] }), ["networking.inbound[0].tags"]);
  assert.deepEqual(fields({ requirements: [{ tags: { constructor: "*" } }] }), ["networking.inbound[0].tags"]);
  assert.deepEqual(fields({ restrictions: [{ tags: { "kuma.io/service": "s" } }] }), ["networking.inbound[0].tags"]);
  assert.deepEqual(fields({ restrictions: [{ tags: { "kuma.io/service": "s", team: "*" } }] }), []);
  const gateway = dataplane({}, { inbound: undefined, gateway: { tags: { "kuma.io/service": "g" } } });
  assert.deepEqual(fields({ restrictions: [{ tags: { "kuma.io/service": "g" } }] }, gateway), [
    "networking.gateway.tags",
  ]);
});
