import assert from "node:assert/strict";
import { test } from "node:test";
import { MeshError } from "../../../core/kernel/errors.ts";
import type { PresenceSpec } from "../../../core/model/dataplane-presence.ts";
import type { Resource } from "../../../core/model/resource.ts";
import type { ProxyStream } from "../../../core/presence/presence.ts";
import { createIndirectLifecycle } from "../../../plugins/lifecycle-indirect/indirect.ts";

const stored = (type: string, name: string): Resource => ({
  type,
  mesh: type === "Mesh" ? "" : "default",
  name,
  labels: {},
  spec: {},
  creationTime: 1,
  modificationTime: 1,
  version: 1,
  revision: 1,
});
const mesh = stored("Mesh", "default");
const existing = stored("Dataplane", "redis-1");
const stream = (authenticate: ProxyStream["authenticate"] = async () => undefined): ProxyStream => ({
  proxy: { mesh: "default", name: "redis-1" },
  streamId: "s1",
  incarnation: "i1",
  definition: undefined,
  peer: "10.0.0.1:4000",
  signal: new AbortController().signal,
  authenticate,
  end: () => undefined,
});
const indirect = createIndirectLifecycle();

test("serves streams that bring no definition", () => {
  assert.equal(indirect.accepts(stream()), true);
  assert.equal(indirect.accepts({ ...stream(), definition: existing }), false);
});

test("the Dataplane must exist, and is served as it is", async () => {
  const missing = indirect.admit({ stream: stream(), mesh, existing: undefined, previous: undefined });
  await assert.rejects(missing, (error) => error instanceof MeshError && error.code === "MM404");
  const admission = await indirect.admit({ stream: stream(), mesh, existing, previous: undefined });
  assert.equal(admission.dataplane, existing);
  assert.equal(admission.ownsDataplane, false);
});

test("the token must be valid for what is stored", async () => {
  const stranger = stream(async () => {
    throw new MeshError("MM311", "the token is for redis-2");
  });
  await assert.rejects(indirect.admit({ stream: stranger, mesh, existing, previous: undefined }), /redis-2/);
});

test("a leave never deletes", () => {
  assert.equal(indirect.afterLeave({ ownsDataplane: true } as PresenceSpec), "keep");
});
