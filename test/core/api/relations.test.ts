import assert from "node:assert/strict";
import { test } from "node:test";
import { buildRelations } from "../../../core/api/relations.ts";
import { createMeshView } from "../../../core/view/mesh-view.ts";
import { reduce } from "../../../core/view/reduce.ts";
import { Changes, dataplane, presence } from "../view/fixtures.ts";

test("whom a proxy uses with how many endpoints, and who uses it", () => {
  const changes = new Changes();
  const view = createMeshView("default");
  const version = (name: string) => ({ "kuma.io/service": "backend", version: name });
  const web = dataplane("web-1", {
    inbound: [{ service: "web" }],
    outbound: [
      "backend",
      { port: 10_001, tags: version("v2") },
      { port: 10_002, tags: { "kuma.io/service": "nobody" } },
    ],
  });
  const drafts = [
    dataplane("b-1", { address: "10.0.0.1", inbound: [{ tags: version("v1") }] }),
    dataplane("b-2", { address: "10.0.0.2", inbound: [{ tags: version("v2") }] }),
    dataplane("b-3", { address: "10.0.0.3", inbound: [{ tags: version("v2") }] }),
    presence("b-1", "healthy"),
    presence("b-2", "healthy"),
    presence("b-3", "degraded"),
    web,
    dataplane("z-calls", { outbound: ["web", "backend"] }),
    dataplane("a-calls", { outbound: ["web"] }),
  ];
  for (const draft of drafts) reduce(view, changes.put(draft));
  const relations = buildRelations(view, "web-1", web.spec);
  assert.deepEqual(
    relations.outbounds.map(({ port, healthy, lastChoice }) => [port, healthy, lastChoice]),
    [
      [10_000, 2, 1],
      [10_001, 1, 1],
      [10_002, 0, 0],
    ],
  );
  assert.deepEqual(relations.outbounds[1]?.tags, version("v2"));
  assert.deepEqual(relations.calledBy, ["a-calls", "z-calls"]);
  assert.deepEqual(buildRelations(undefined, "web-1", web.spec).calledBy, [], "before the picture is there");
});
