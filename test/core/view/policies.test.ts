import assert from "node:assert/strict";
import { test } from "node:test";
import type { ResourceDraft } from "../../../core/model/resource.ts";
import { MeshViews } from "../../../core/view/mesh-views.ts";
import { Changes, dataplane } from "./fixtures.ts";

const policy = (spec: unknown, labels = {}): ResourceDraft => ({
  type: "MeshTimeout",
  mesh: "default",
  name: "t",
  labels,
  spec,
});

function open() {
  const views = new MeshViews(["MeshTimeout"]);
  const changes = new Changes();
  const put = (draft: ResourceDraft) => views.reduce(changes.put(draft));
  const remove = (draft: ResourceDraft) => views.reduce(changes.delete(draft));
  return { views, changes, put, remove };
}

test("a change of a policy is told with what was before and what is after", () => {
  const { put, remove } = open();
  const made = put(policy({ a: 1 }));
  assert.equal(made?.view.policies.get("MeshTimeout")?.size, 1);
  const specs = (reduced: ReturnType<typeof put>) =>
    reduced?.dirt.map((dirt) => dirt.kind === "policy" && [dirt.before?.spec, dirt.after?.spec]);
  assert.deepEqual(specs(made), [[undefined, { a: 1 }]]);
  assert.deepEqual(specs(put(policy({ a: 2 }))), [[{ a: 1 }, { a: 2 }]]);
  assert.deepEqual(specs(put(policy({ a: 2 }))), [], "the same again is nothing new");
  assert.deepEqual(specs(put(policy({ a: 2 }, { "kuma.io/effect": "shadow" }))), [[{ a: 2 }, { a: 2 }]]);
  assert.deepEqual(specs(remove(policy({ a: 2 }))), [[{ a: 2 }, undefined]]);
});

test("each change of a policy begins another edition, other changes do not", () => {
  const { put } = open();
  const first = put(policy({ a: 1 }))?.view.policyEdition;
  assert.equal(put(dataplane("d"))?.view.policyEdition, first);
  assert.notEqual(put(policy({ a: 2 }))?.view.policyEdition, first);
});

test("an older change than what is known is passed over", () => {
  const { views, changes, put } = open();
  const old = changes.put(policy({ a: 1 }));
  put(policy({ a: 2 }));
  const reduced = views.reduce(old);
  assert.deepEqual(reduced?.dirt, []);
  assert.deepEqual(reduced?.view.policies.get("MeshTimeout")?.get("t")?.spec, { a: 2 });
});

test("a view lives as long as there is a policy, and one that is no longer listed is missing", () => {
  const { views, put, remove } = open();
  put(policy({ a: 1 }));
  assert.equal(views.size, 1);
  assert.deepEqual(
    views.missing([], 10).map(({ op, resource }) => [op, resource.name]),
    [["delete", "t"]],
  );
  assert.deepEqual(views.missing([...(views.get("default")?.policies.get("MeshTimeout")?.values() ?? [])], 10), []);
  remove(policy({ a: 1 }));
  assert.equal(views.size, 0);
});

test("types that are no policies here do not make a view", () => {
  const { views, put } = open();
  put({ ...policy({}), type: "MeshRetry" });
  assert.equal(views.size, 0);
});
