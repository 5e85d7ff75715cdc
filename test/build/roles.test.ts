import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { createModuleGraph, type ModuleGraph } from "./module-graph.ts";

/*
 * What a role loads is what it costs in start-up time and memory: a supervisor stands beside every application, and
 * `--version` should be as quick as Node. A new name here is a decision, not an accident.
 */
describe("a role loads", () => {
  let graph: ModuleGraph;
  before(async () => {
    graph = await createModuleGraph("cmd/main.ts");
  });

  it("nothing before it is picked", () => {
    const loaded = graph.loadedBy("cmd/main.ts", false);
    assert.deepEqual(loaded, ["cmd/main.ts", "cmd/run-main.ts", "cmd/terminal", "core/kernel"]);
  });

  const mayLoad: readonly (readonly [string, string, readonly string[]])[] = [
    [
      "dp",
      "cmd/dp/run-dp.ts",
      [
        "cmd/dp",
        "cmd/terminal",
        "core/grpc",
        "core/kernel",
        "core/model",
        "core/sidecar",
        "plugins/envoy-binary-path",
        // Only its reader of the wire format, and only when Envoy first reports a failed request.
        "@bufbuild/protobuf",
      ],
    ],
    [
      "ctl",
      "cmd/ctl/run-ctl.ts",
      [
        "cmd/ctl",
        "cmd/terminal",
        "core/events",
        "core/kernel",
        "core/model",
        "core/sidecar",
        // Definitions are checked before they are sent, those of policies too.
        "core/policy",
        "plugins/policy-builtins.ts",
        "plugins/policy-mesh-timeout",
        "commander",
      ],
    ],
  ];
  for (const [role, file, places] of mayLoad) {
    it(`little as ${role}, even later`, () => {
      // cmd/cp is its table of settings; what is behind its wiring would show up here.
      const allowed = [...places, "cmd/cp", "mustache", "yaml", "zod"];
      assert.deepEqual(
        graph.loadedBy(file, true).filter((place) => !allowed.includes(place)),
        [],
      );
    });
  }

  it("the engine and its servers as cp only after its arguments and settings are known to be good", () => {
    const loaded = graph.loadedBy("cmd/cp/run-cp.ts", false);
    assert.deepEqual(
      loaded.filter((place) => !["cmd/cp", "cmd/terminal", "core/kernel"].includes(place)),
      [],
    );
  });

  it("the client of PostgreSQL as cp only when that store is chosen", () => {
    assert.equal(graph.loadedBy("cmd/cp/open-store.ts", false).includes("pg"), false);
    assert.equal(graph.loadedBy("cmd/cp/open-store.ts", true).includes("pg"), true);
  });
});
