import assert from "node:assert/strict";
import { createServer } from "node:net";
import { afterEach, beforeEach, describe, test } from "node:test";
import { lastEnvoy, openSidecarWorld, runs, type SidecarWorld } from "./sidecar-world.ts";

let world: SidecarWorld;

beforeEach(async () => {
  world = await openSidecarWorld();
});

afterEach(() => world[Symbol.asyncDispose]());

describe("when it goes wrong before it serves", () => {
  test("a refusal on the stream ends it within a second, with the reason", async () => {
    world.plane.refusal = { message: "the token is for redis-2, not redis-1. (MM311)", code: "MM311" };
    const role = world.start();
    const began = await role.event("envoy-started");
    assert.equal(await role.exited, 1);
    assert.ok(Date.now() - Date.parse(String(began["time"])) < 1500);
    const last = role.events.at(-1);
    assert.deepEqual(
      [last?.["code"], last?.text],
      ["MM311", "the control plane refused redis-1: the token is for redis-2, not redis-1. Nothing was started."],
    );
    assert.equal(runs(lastEnvoy(role) ?? 0), false);
  });

  test("a signal while it waits for the control plane ends it at once", async () => {
    await world.plane.kill();
    const role = world.start();
    await role.event("waiting");
    const asked = performance.now();
    role.process.kill("SIGINT");
    assert.equal(await role.exited, 0);
    assert.ok(performance.now() - asked < 500);
  });

  test("it waits for a control plane that comes up later", async () => {
    await world.plane.kill();
    const role = world.start();
    await role.event("waiting");
    await world.plane.listen();
    await role.event("serving");
  });

  test("a port that is taken is said before anything is sent", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(world.port, "127.0.0.1", resolve));
    const role = world.start();
    assert.equal(await role.exited, 1);
    assert.match(
      String(role.events.at(-1)?.["where"]),
      new RegExp(`127\\.0\\.0\\.1:${world.port} {2}node \\(pid ${process.pid}\\) has it`),
    );
    assert.deepEqual(world.plane.posts, []);
    await new Promise((resolve) => other.close(resolve));
  });

  test("an Envoy that cannot start says why", async () => {
    world.plane.onPost = ({ path, body }) => {
      if (path !== "/bootstrap") return undefined;
      const bootstrap = { admin: { address: { pipe: { path: `${body["workdir"]}/a.sock` } } }, nonsense: true };
      return {
        status: 200,
        body: JSON.stringify({ bootstrap: Buffer.from(JSON.stringify(bootstrap)).toString("base64") }),
      };
    };
    const role = world.start();
    assert.equal(await role.exited, 1);
    assert.equal(role.events.at(-1)?.["code"], "MM601");
    assert.match(role.events.at(-1)?.text ?? "", /Envoy did not start: exit code 1: .*nonsense/s);
  });
});
