import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createEventLog } from "../../core/events/event-log.ts";
import { systemClock } from "../../core/kernel/clock.ts";
import { MeshError } from "../../core/kernel/errors.ts";
import { silentLogger } from "../../core/kernel/log.ts";
import { openCtl } from "./ctl-rig.ts";
import { putProxy } from "./proxies.ts";

describe("monomesh status", () => {
  it("says in one line that nothing is wrong", async (test) => {
    const { api, run } = await openCtl(test);
    await putProxy(api.store, "redis-1");
    const { code, out } = await run(["status"]);
    assert.equal(code, 0);
    assert.match(out, /^Nothing is wrong in mesh default \(control plane up \d+s, 1 service, 1 dataplane\)\n$/);
  });

  it("lists what is wrong, worst first, each with the next command; exit code 1 for a problem, 0 for a warning", async (test) => {
    const events = createEventLog({ log: silentLogger, clock: systemClock, instance: "cp-1" });
    const { api, run } = await openCtl(test, { events });
    await putProxy(api.store, "web-1", { service: "web", presence: { rival: "10.0.0.9:1" } });
    const warned = await run(["status"]);
    assert.equal(warned.code, 0, "a warning is no failure");
    assert.match(warned.out, /^1 warning in mesh default/);
    await putProxy(api.store, "redis-1");
    await putProxy(api.store, "redis-2", { presence: { state: "lost", reason: "no sign of life" } });
    const outcome = { concerned: 24, acknowledged: 24, missing: [], took: 41 };
    const change = {
      kind: "updated",
      level: "info",
      mesh: "default",
      type: "Dataplane",
      name: "api-3",
      detail: "",
    } as const;
    events.tell({ ...change, user: "anna", outcome });
    const { code, out } = await run(["status"]);
    assert.equal(code, 1);
    const lines = out.trimEnd().split("\n");
    assert.match(
      lines[0] ?? "",
      /^1 problem, 1 warning in mesh default \(control plane up \d+s, 2 services, 3 dataplanes\)$/,
    );
    assert.match(lines[1] ?? "", /^ {2}PROBLEM {2}redis-2 lost 1m\d*s? ago: no sign of life; 1 of 2 redis left$/);
    assert.equal(lines[2], "           monomesh inspect dataplane redis-2");
    assert.match(lines[3] ?? "", /^ {2}warning {2}web-1 runs twice/);
    assert.match(
      lines[5] ?? "",
      /^Last change: \d\d:\d\d:\d\d Dataplane api-3 updated by anna, acknowledged by 24 proxies in 41ms \(monomesh events\)$/,
    );
    const json = JSON.parse((await run(["status", "-o", "json"])).out);
    assert.deepEqual(Object.keys(json), ["controlPlane", "meshes", "problems", "lastChange"]);
    assert.deepEqual(json.meshes, [{ name: "default", services: 2, dataplanes: 3, statuses: { Online: 2, Lost: 1 } }]);
    assert.deepEqual(Object.keys(json.problems[0]), ["severity", "kind", "mesh", "name", "since", "text", "next"]);
    assert.equal(
      (await run(["status"], { columns: 60 })).out.split("\n").find((line) => line.length > 60),
      undefined,
    );
  });

  it("looks at one mesh or at all", async (test) => {
    const { api, run } = await openCtl(test);
    await api.put("/meshes/prod", { type: "Mesh", name: "prod" });
    await putProxy(api.store, "redis-1", { mesh: "prod", presence: false });
    assert.match((await run(["status"])).out, /^Nothing is wrong in mesh default/);
    assert.match(
      (await run(["status", "-A"])).out,
      /^1 warning in 2 meshes[\s\S]*inspect dataplane redis-1 -m prod\nLast change: /,
    );
    assert.equal((await run(["status", "-m", "nope"])).code, 1);
  });

  it("is itself a problem when the store cannot be read or written", async (test) => {
    let trouble: string | undefined;
    const presence = {
      outlook: ({ lastSeen }: { lastSeen: number }) => ({ lastSeen, offlineAt: undefined, deletedAt: undefined }),
      storeTrouble: () => trouble,
    };
    const { api, run } = await openCtl(test, { presence });
    trouble = "the disk is full";
    assert.match((await run(["status"])).out, /PROBLEM {2}the store does not work: the disk is full/);
    trouble = undefined;
    test.mock.method(api.store, "list", async () => {
      throw new MeshError("MM503", "the database is gone");
    });
    const { code, out } = await run(["status"]);
    assert.deepEqual([code, /PROBLEM {2}the store does not work: the database is gone/.test(out)], [1, true]);
  });
});
