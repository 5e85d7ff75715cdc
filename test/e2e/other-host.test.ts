import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { eventually } from "../../cmd/demo/eventually.ts";
import { get } from "../../cmd/demo/load.ts";
import { lackingForNetHosts, openNetHost } from "../support/net-host.ts";
import { playVanish, startOnHost } from "./scenarios/other-host.ts";
import { openStage, type Stage } from "./scenarios/stage.ts";

interface Overview {
  readonly presence: { readonly state: string; readonly reason: string };
  readonly dataplane: { readonly networking: { readonly address: string } };
}

describe("another host", { concurrency: true, skip: lackingForNetHosts() ?? false }, () => {
  let stage: Stage;

  before(async () => {
    stage = await openStage();
  });

  after(() => stage[Symbol.asyncDispose]());

  const overview = async (name: string) =>
    (await stage.mesh.api.get(`/meshes/default/dataplanes/${name}/_overview`)).body as Overview;

  it("vanishes: its endpoints are the last choice soon, and nothing fails any more", async (test) => {
    const { load, lostMs, failedAfter } = await playVanish(stage);
    test.diagnostic(
      `noticed after ${Math.round(lostMs)} ms; ${load.failed} of ${load.requests} requests failed until then`,
    );
    assert.ok(lostMs < 18_000);
    assert.equal(failedAfter, 0);
    assert.deepEqual([...load.reasons.keys()], ["no answer in 3 s"]);
  });

  it("runs a sidecar of the same name: the newer has the place, the older waits, both addresses are told", async () => {
    const host = openNetHost(stage.scope);
    await host.startApp("cart-1 elsewhere", 8080);
    const winner = await startOnHost(stage, host, { name: "cart-1", service: "cart" });
    await eventually(
      () => get(stage.toCart, "/"),
      ({ body }) => body === "cart-1 elsewhere",
    );
    const { presence, dataplane } = await overview("cart-1");
    assert.equal(presence.state, "connected");
    assert.match(
      presence.reason,
      new RegExp(`^connected from ${host.address}:\\d+; another .* at 127\\.0\\.0\\.1:\\d+, has to wait$`),
    );
    assert.equal(dataplane.networking.address, host.address);
    const twice = stage.mesh.controlPlane().events.find((each) => each.event === "twice")?.text ?? "";
    assert.ok(twice.includes("127.0.0.1:") && twice.includes(`${host.address}:`), twice);

    winner.process.kill("SIGTERM");
    winner.process.kill("SIGINT");
    assert.equal(await winner.exited, 0);
    await eventually(
      () => get(stage.toCart, "/"),
      ({ body }) => body === "cart-1",
    );
    assert.equal((await overview("cart-1")).dataplane.networking.address, "127.0.0.1");
  });

  it("has a Dataplane with an address that another one has: it is refused, and told which", async () => {
    const host = openNetHost(stage.scope);
    const { port } = stage.spec("backend-1");
    const joining = startOnHost(stage, host, { name: "backend-8", address: "127.0.0.1", port });
    await assert.rejects(joining);
    const second = stage.sidecar("backend-8");
    assert.equal(await second.exited, 1);
    const last = second.events.at(-1);
    assert.equal(last?.["code"], "MM710");
    assert.match(last?.text ?? "", new RegExp(`127\\.0\\.0\\.1:${port} belongs to Dataplane "backend-1" already`));
    assert.equal((await stage.mesh.api.get("/meshes/default/dataplanes/backend-8")).status, 404);
    assert.equal(await stage.mesh.presence("backend-1"), "connected");
  });
});
