import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { freePorts } from "../../../cmd/demo/free-ports.ts";
import { frameMessage } from "../../../core/grpc/framing.ts";
import { openSidecarWorld, type SidecarWorld, until } from "./sidecar-world.ts";

let world: SidecarWorld;
let appPort: number;

beforeEach(async () => {
  world = await openSidecarWorld();
  [appPort = 0] = await freePorts(1);
  world.plane.inbounds = [{ address: "127.0.0.1", port: world.port, servicePort: appPort }];
  world.plane.extra = { incarnation: "i-1" };
});

afterEach(() => world[Symbol.asyncDispose]());

function define(probe: string): void {
  const text = world.definition().replace(/servicePort: \d+/, `servicePort: ${appPort}${probe}`);
  writeFileSync(join(world.dir, "dp.yaml"), text);
}

async function startApp(): Promise<AsyncDisposable> {
  const app = createServer((socket) => socket.on("error", () => undefined).pipe(socket));
  await new Promise<void>((resolve) => app.listen(appPort, "127.0.0.1", resolve));
  return { [Symbol.asyncDispose]: () => new Promise((resolve) => app.close(() => resolve())) };
}

const lastHealth = () => world.plane.health.at(-1);

describe("the applications behind a sidecar", () => {
  test("a probed one: what is known goes with each stream, every change at once, missed ones when the control plane is back", async () => {
    define("\n    serviceProbe: { interval: 200ms }");
    const role = world.start();
    await role.event("serving");
    assert.deepEqual(JSON.parse(world.plane.streams[0]?.health ?? ""), {
      sequence: 1,
      notReady: [world.port],
      probed: [world.port],
    });
    assert.match(
      role.events.find((each) => each.event === "inbound")?.text ?? "",
      /nothing listens there yet; no traffic comes until it answers/,
    );
    await until(() => world.plane.health.length === 1, "the health stream");
    {
      await using _app = await startApp();
      await until(() => lastHealth()?.notReady.length === 0, "ready");
      await role.event("app-ready");
      await world.plane.kill();
      await role.event("disconnected");
    }
    await role.event("app-down");
    await world.plane.listen();
    await world.plane.opened(2);
    assert.deepEqual(JSON.parse(world.plane.streams[1]?.health ?? "").notReady, [world.port]);
    await until(() => lastHealth()?.sequence === 3, "the missed report");

    // The stored definition asks for something else now.
    const other = { port: world.port + 1, address: "127.0.0.1", servicePort: appPort, probe: { ...PROBE } };
    world.plane.healthStream?.write(frameMessage(JSON.stringify({ workloads: [other] })));
    await until(() => lastHealth()?.probed[0] === other.port, "the new probe");
    world.plane.healthStream?.write(frameMessage("nonsense"));
    await until(() => world.plane.health.length >= 5, "the next health stream");
  });

  test("--wait-for-app: it serves, but says what it waits for, until the application answers once", async () => {
    define("");
    const role = world.start(["--wait-for-app"]);
    await role.event("serving");
    assert.deepEqual(await world.ready(), {
      status: 200,
      body: `LIVE\nwaiting for the application at 127.0.0.1:${appPort} (inbound ${world.port})`,
    });
    assert.deepEqual(JSON.parse(world.plane.streams[0]?.health ?? "").notReady, [world.port]);
    const app = await startApp();
    await until(() => lastHealth()?.notReady.length === 0, "ready");
    assert.deepEqual(await world.ready(), { status: 200, body: "LIVE" });
    assert.equal(await world.echo(), "hello");
    await app[Symbol.asyncDispose]();
    await new Promise((resolve) => setTimeout(resolve, 600));
    assert.deepEqual(lastHealth()?.notReady, [], "it was waited for once");
  });
});

const PROBE = { interval: 200, timeout: 500, healthyThreshold: 1, unhealthyThreshold: 1 };
