import assert from "node:assert/strict";
import { test } from "node:test";
import { MeshError } from "../../../core/kernel/errors.ts";
import type { PresenceSpec } from "../../../core/model/dataplane-presence.ts";
import type { Resource, ResourceDraft } from "../../../core/model/resource.ts";
import type { DataplaneSpec } from "../../../core/model/types/dataplane.ts";
import type { ProxyStream } from "../../../core/presence/presence.ts";
import { createDirectLifecycle } from "../../../plugins/lifecycle-direct/direct.ts";

const definition: ResourceDraft<DataplaneSpec> = {
  type: "Dataplane",
  mesh: "default",
  name: "redis-1",
  labels: { team: "cache" },
  spec: {
    networking: {
      address: "192.168.0.1",
      inbound: [{ port: 9000, servicePort: 6379, tags: { "kuma.io/service": "redis" } }],
    },
  },
};
const resource = <Spec>(draft: ResourceDraft<Spec>): Resource<Spec> => ({
  ...draft,
  creationTime: 1,
  modificationTime: 1,
  version: 1,
  revision: 1,
});
const mesh = (spec: unknown = {}) => resource({ type: "Mesh", mesh: "", name: "default", labels: {}, spec });
const streamOf = (change: Partial<ProxyStream> = {}): ProxyStream => ({
  proxy: { mesh: "default", name: "redis-1" },
  streamId: "s1",
  incarnation: "i1",
  definition,
  peer: "10.0.0.1:4000",
  signal: new AbortController().signal,
  authenticate: async () => undefined,
  end: () => undefined,
  ...change,
});
const direct = createDirectLifecycle();
const refusal = (code: string, text: RegExp) => (error: unknown) =>
  error instanceof MeshError && error.code === code && text.test(error.message);

test("serves streams that bring a definition, and no others", () => {
  assert.equal(direct.accepts(streamOf()), true);
  assert.equal(direct.accepts(streamOf({ definition: undefined })), false);
});

test("adds what the control plane adds: zone tag and labels; a new one is owned", async () => {
  const admission = await direct.admit({ stream: streamOf(), mesh: mesh(), existing: undefined, previous: undefined });
  assert.equal(admission.ownsDataplane, true);
  const { labels, spec } = admission.dataplane as ResourceDraft<DataplaneSpec>;
  assert.equal(labels["kuma.io/proxy-type"], "sidecar");
  assert.equal(labels["team"], "cache");
  assert.equal(spec.networking.inbound?.[0]?.tags?.["kuma.io/zone"], "default");
});

test("an existing Dataplane: the token is checked against it; it is owned only if it was before", async () => {
  const existing = resource(definition);
  const asked: unknown[] = [];
  const stream = streamOf({ authenticate: async (stored) => void asked.push(stored) });
  const users = await direct.admit({ stream, mesh: mesh(), existing, previous: undefined });
  assert.deepEqual(asked, [existing]);
  assert.equal(users.ownsDataplane, false);
  const previous = { ownsDataplane: true } as PresenceSpec;
  const own = await direct.admit({ stream, mesh: mesh(), existing, previous });
  assert.equal(own.ownsDataplane, true);
  const stranger = streamOf({
    authenticate: async () => {
      throw new MeshError("MM311", "the token is for payments");
    },
  });
  await assert.rejects(
    direct.admit({ stream: stranger, mesh: mesh(), existing, previous }),
    refusal("MM311", /payments/),
  );
});

test("refuses a definition for another proxy, an invalid one, and one that the mesh does not admit", async () => {
  const admit = (stream: ProxyStream, meshSpec: unknown = {}) =>
    direct.admit({ stream, mesh: mesh(meshSpec), existing: undefined, previous: undefined });
  for (const other of [{ name: "redis-2" }, { mesh: "prod" }, { type: "ZoneIngress" }]) {
    const stream = streamOf({ definition: { ...definition, ...other } });
    await assert.rejects(admit(stream), refusal("MM104", /could not register proxy.*default\.redis-1/));
  }
  const broken = { ...definition, spec: { networking: { ...definition.spec.networking, address: "0.0.0.0" } } };
  await assert.rejects(admit(streamOf({ definition: broken })), refusal("MM104", /networking\.address/));
  const closed = { constraints: { dataplaneProxy: { requirements: [{ tags: { "kuma.io/zone": "east" } }] } } };
  await assert.rejects(admit(streamOf(), closed), refusal("MM104", /requirements/));
});

test("after a leave only what the sidecar brought is deleted", () => {
  assert.equal(direct.afterLeave({ ownsDataplane: true } as PresenceSpec), "delete");
  assert.equal(direct.afterLeave({ ownsDataplane: false } as PresenceSpec), "keep");
});
