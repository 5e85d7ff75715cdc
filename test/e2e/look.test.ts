import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { killSidecar } from "../../cmd/demo/demo-mesh.ts";
import { freePorts } from "../../cmd/demo/free-ports.ts";
import { openCtlFor, until } from "../cmd/ctl-rig.ts";
import { openTestMesh } from "../support/mesh.ts";

it("a mesh is looked at while a sidecar dies and comes back, and while somebody changes it", async (test) => {
  const { mesh, http } = await openTestMesh(test);
  const { run, begin } = await openCtlFor(test, mesh.apiUrl);
  const [toRedis = 0] = await freePorts(1);
  const redis2 = await http("redis-2", "redis");
  await mesh.startSidecar(await http("redis-1", "redis"));
  await mesh.startSidecar(redis2);
  await mesh.startSidecar(await http("web-1", "web", new Map([[toRedis, "redis"]])));

  const ready = await run(["wait", "service", "redis", "--healthy", "2"]);
  assert.equal(ready.code, 0, ready.err);
  assert.equal((await run(["wait", "dataplane", "web-1"])).code, 0);
  const well = await run(["status"]);
  assert.deepEqual([well.code, /^Nothing is wrong in mesh default/.test(well.out)], [0, true], well.out);
  const story = await run(["inspect", "dataplane", "web-1"]);
  assert.match(story.out, /config +current +since \S+, revision \d+\n/);
  assert.match(story.out, new RegExp(`outbound +127.0.0.1:${toRedis} -> redis, 2 healthy\n`));
  assert.match((await run(["inspect", "dataplane", "redis-2"])).out, /called by +web-1\n/);

  const table = begin(["get", "dataplanes", "-w"]);
  const events = begin(["events", "-w"]);
  await until(table.io.out, "redis-2");
  await until(events.io.out, "web-1      joined");
  const killed = performance.now();
  const sidecar = mesh.sidecars.get("redis-2");
  assert.ok(sidecar);
  killSidecar(sidecar);
  await until(table.io.out, /redis-2 .*Lost/);
  test.diagnostic(`the row moved ${Math.round(performance.now() - killed)} ms after the kill`);
  await until(events.io.out, "redis-2    lost");
  const wrong = await run(["status"]);
  assert.equal(wrong.code, 1);
  assert.match(wrong.out, /PROBLEM {2}redis-2 lost .*; 1 of 2 redis left\n +monomesh inspect dataplane redis-2\n/);
  assert.match((await run(["inspect", "dataplane", "redis-2"])).out, /next +\S+ Offline \(idle timeout\), .* deleted/);

  const waiting = begin(["wait", "dataplane", "redis-2"]);
  await mesh.startSidecar(redis2);
  assert.equal(await waiting.done, 0);
  await until(events.io.out, "redis-2    back");

  const file = join(mesh.dir, "extra.yaml");
  const extra = {
    type: "Dataplane",
    mesh: "default",
    name: "redis-3",
    networking: { address: "127.0.0.1", inbound: [{ port: 1, servicePort: 2, tags: { "kuma.io/service": "redis" } }] },
  };
  writeFileSync(file, JSON.stringify(extra));
  const applied = await run(["apply", "-f", file]);
  assert.equal(applied.code, 0, applied.err);
  await until(
    events.io.out,
    /redis-3 +created +Dataplane, by mesh-system:admin from 127\.0\.0\.1; acknowledged by 1 proxy in \d/,
  );
  await until(table.io.out, /redis-3 .*never connected/);
  assert.match((await run(["status"])).out, /^1 warning [\s\S]*redis-3 never connected/);
  assert.equal((await run(["delete", "dataplane", "redis-3"])).code, 0);
  await until(table.io.out, /redis-3 .*deleted/);
});
