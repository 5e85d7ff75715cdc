import assert from "node:assert/strict";
import { test } from "node:test";
import type { Resource } from "../../../core/model/resource.ts";
import type { PolicySpec } from "../../../core/policy/policy-spec.ts";
import { rules, target, timeout, to } from "../policy/fixtures.ts";
import { dataplane } from "../view/fixtures.ts";
import { TestEngine } from "./fixtures.ts";

const web = dataplane("web-1", {
  address: "10.0.0.1",
  inbound: [
    { service: "web", port: 80 },
    { service: "admin", port: 81 },
  ],
  outbound: ["backend", "redis"],
});

async function engineWith(...policies: Resource<PolicySpec>[]) {
  const mine = new TestEngine();
  await mine.put(web, ...policies);
  const behind = (resource: string, name = "web-1") =>
    mine.engine.policiesBehind({ mesh: "default", name }, resource).map(({ type, name }) => `${type} ${name}`);
  return Object.assign(mine, { behind });
}

test("the policies of a consumed service are behind its listener and its cluster, the strongest first", async () => {
  await using mine = await engineWith(
    timeout("all", to({ idleTimeout: "9s", connectionTimeout: "1s" })),
    timeout("of-backend", { ...target("Dataplane", { name: "web-1" }), ...to({ connectionTimeout: "2s" }, "backend") }),
    timeout("of-inbounds", rules({ idleTimeout: "3s" })),
  );
  const both = ["MeshTimeout of-backend", "MeshTimeout all"];
  assert.deepEqual(mine.behind("outbound:127.0.0.1:10000"), both);
  assert.deepEqual(mine.behind("backend"), both);
  assert.deepEqual(mine.behind("redis"), ["MeshTimeout all"]);
});

test("the policies of one inbound are behind its listener and its application's cluster", async () => {
  await using mine = await engineWith(
    timeout("inbounds", rules({ idleTimeout: "3s" })),
    timeout("port-81", {
      ...target("Dataplane", { name: "web-1", sectionName: "81" }),
      ...rules({ idleTimeout: "1s" }),
    }),
  );
  assert.deepEqual(mine.behind("inbound:10.0.0.1:80"), ["MeshTimeout inbounds"]);
  assert.deepEqual(mine.behind("localhost:80"), ["MeshTimeout inbounds"]);
  // What the stronger one says replaces all that the weaker one said.
  assert.deepEqual(mine.behind("inbound:10.0.0.1:81"), ["MeshTimeout port-81"]);
  assert.deepEqual(mine.behind("localhost:81"), ["MeshTimeout port-81"]);
});

test("nothing is behind what a proxy does not have, what no policy speaks of, and a proxy that is not there", async () => {
  await using mine = await engineWith(timeout("of-backend", to({ connectionTimeout: "2s" }, "backend")));
  assert.deepEqual(mine.behind("redis"), []);
  assert.deepEqual(mine.behind("outbound:127.0.0.1:99"), []);
  assert.deepEqual(mine.behind("backend", "web-2"), []);
});
