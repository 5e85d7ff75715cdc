import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startRole } from "../../../cmd/demo/child.ts";
import { freePorts } from "../../../cmd/demo/free-ports.ts";
import { get, kill, lastEnvoy, openSidecarWorld, runs, type SidecarWorld, TOKEN, until } from "./sidecar-world.ts";

let world: SidecarWorld;

beforeEach(async () => {
  world = await openSidecarWorld();
});

afterEach(() => world[Symbol.asyncDispose]());

describe("a sidecar's life", () => {
  test("joins, serves, leaves; the token stays with the supervisor", async () => {
    const workDir = join(world.dir, "work");
    const role = world.start([`--work-dir=${workDir}`]);
    const serving = await role.event("serving");
    assert.equal(await world.echo(), "hello");
    assert.match(serving.text, /^serving in \d+\.\d\d s\. Ctrl-C drains \(20s at most\)/);
    assert.deepEqual(
      role.events.map((each) => each.event).filter((each) => each !== "envoy"),
      ["starting", "dataplane", "control", "token", "envoy-started", "inbound", "ready", "serving"],
    );
    assert.match(role.events.find((each) => each.event === "inbound")?.text ?? "", /the app answers$/);
    assert.deepEqual(await world.ready(), { status: 200, body: "LIVE" });
    assert.equal((await get({ port: world.readinessPort }, "/other")).status, 404);
    const socket = `--unix-socket=${join(workDir, "kuma-envoy-admin.sock")}`;
    for (const place of [`--url=http://127.0.0.1:${world.readinessPort}/ready`, socket])
      assert.equal(await startRole(["dp", "wait", place, "--timeout=5s"]).exited, 0, place);

    assert.equal(world.plane.streams[0]?.authorization, TOKEN);
    const envoy = lastEnvoy(role) ?? 0;
    const bootstrap = join(workDir, "bootstrap.json");
    assert.equal(statSync(bootstrap).mode & 0o777, 0o600);
    const dump = await get({ socketPath: join(workDir, "kuma-envoy-admin.sock") }, "/config_dump?include_eds");
    for (const [what, text] of [
      ["bootstrap", readFileSync(bootstrap, "utf8")],
      ["config dump", dump.body],
      ["environment", readFileSync(`/proc/${envoy}/environ`, "utf8")],
      ["lock", readFileSync(join(workDir, "sidecar.lock"), "utf8")],
    ] as const) {
      assert.ok(text.length > 10, what);
      assert.ok(!text.includes(TOKEN) && !text.includes(TOKEN.split(".")[1] ?? ""), `the token is in Envoy's ${what}`);
    }

    role.process.kill("SIGTERM");
    await role.event("withdrawn");
    await until(async () => (await world.ready()).body === "TERMINATING", "readiness");
    assert.equal(await role.exited, 0);
    const [leave, left] = world.plane.posts.slice(-2);
    assert.deepEqual(
      [leave?.path, leave?.authorization, leave?.body],
      ["/leave", TOKEN, { mesh: "default", name: "redis-1", incarnation: "incarnation-1" }],
    );
    assert.equal(left?.path, "/left");
    assert.match(role.events.at(-1)?.text ?? "", /^gone after 1\.\d\d s\. No request was cut\.$/);
    assert.equal(runs(envoy), false);
    assert.deepEqual(readdirSync(workDir), []);
  });

  test("a private work directory is gone afterwards, also after a failure", async () => {
    const role = world.start();
    await role.event("serving");
    const config = readFileSync(`/proc/${lastEnvoy(role)}/cmdline`, "utf8").split("\0")[2] ?? "";
    assert.equal(existsSync(config), true);
    kill(role.pid, "SIGINT");
    assert.equal(await role.exited, 0);
    assert.equal(existsSync(join(config, "..")), false);
  });

  test("a drain with an open connection waits, a second signal does not", async () => {
    const role = world.start();
    await role.event("serving");
    const open = connect(world.port, "127.0.0.1");
    await new Promise((resolve) => open.once("connect", resolve));
    open.write("hello");
    open.on("error", () => undefined);
    role.process.kill("SIGTERM");
    assert.match((await role.event("withdrawn")).text, /withdrawn from 2 of 2 consumers in 1 ms; 1 connection open$/);
    await sleep(1500);
    assert.equal(role.process.exitCode, null);
    assert.equal(await world.echo(), "hello");
    const hurried = performance.now();
    role.process.kill("SIGTERM");
    assert.equal(await role.exited, 0);
    assert.ok(performance.now() - hurried < 1000);
    assert.match(role.events.at(-1)?.text ?? "", /1 connection open was cut\.$/);
    open.destroy();
  });

  test("with the control plane away the whole drain time is waited", async () => {
    const role = world.start(["--drain-time=2s"]);
    await role.event("serving");
    await world.plane.kill();
    const asked = performance.now();
    role.process.kill("SIGTERM");
    assert.match((await role.event("leaving")).text, /did not hear it \(.*\); the whole drain time \(2s\) is waited/);
    assert.equal(await role.exited, 0);
    assert.ok(performance.now() - asked >= 2000);
  });

  test("a stock control plane, which has no leave, is not asked to", async () => {
    world.plane.onPost = ({ path, body }) =>
      path === "/bootstrap" ? { status: 200, body: stockBootstrap(body) } : { status: 404, body: "" };
    const role = world.start(["--drain-time=1s"]);
    await role.event("serving");
    assert.equal(world.plane.streams[0]?.authorization, TOKEN);
    role.process.kill("SIGTERM");
    assert.equal(await role.exited, 0);
    assert.deepEqual(
      world.plane.posts.map((post) => post.path),
      ["/bootstrap"],
    );
  });
});

function stockBootstrap(body: Record<string, unknown>): string {
  const yaml = `node: {id: default.redis-1, cluster: redis, metadata: {}}
admin: {address: {pipe: {path: ${body["workdir"]}/kuma-envoy-admin.sock, mode: 384}}}
dynamicResources:
  adsConfig:
    apiType: GRPC
    transportApiVersion: V3
    setNodeOnFirstMessageOnly: true
    grpcServices:
    - envoyGrpc: {clusterName: ads_cluster}
      initialMetadata: [{key: authorization, value: ${body["dataplaneToken"]}}]
  ldsConfig: {ads: {}, initialFetchTimeout: 0s, resourceApiVersion: V3}
  cdsConfig: {ads: {}, initialFetchTimeout: 0s, resourceApiVersion: V3}
staticResources:
  clusters:
  - {name: ads_cluster, type: STATIC}
`;
  return JSON.stringify({ bootstrap: Buffer.from(yaml).toString("base64"), kumaSidecarConfiguration: {} });
}

test("Indirect: no definition is sent, and the sidecar waits for the Dataplane", async () => {
  let asked = 0;
  const networking = {
    address: "127.0.0.1",
    inbound: [{ port: world.port, servicePort: world.appPort, tags: { "kuma.io/service": "redis" } }],
    outbound: [{ port: (await freePorts(1))[0], tags: { "kuma.io/service": "bakend" } }],
  };
  world.plane.extra = {
    dataplane: { type: "Dataplane", mesh: "default", name: "redis-1", networking },
    unknownServices: { bakend: "backend" },
  };
  world.plane.onPost = ({ path }) => (path === "/bootstrap" && ++asked < 3 ? { status: 404, body: "" } : undefined);
  const role = startRole(
    [
      "dp",
      "run",
      `--cp-address=${world.plane.address}`,
      `--ca-cert-file=${join(world.dir, "ca.pem")}`,
      "--name=redis-1",
      "--mesh=default",
      "--drain-time=1s",
      `--dataplane-token=${TOKEN}`,
    ],
    {
      MONOMESH_READINESS_PORT: String(world.readinessPort),
      MONOMESH_IGNORE_KUMA_ENV: "1",
    },
  );
  world.started.push(role);
  assert.match((await role.event("waiting")).text, /waiting for Dataplane redis-1 in mesh default/);
  await role.event("serving");
  assert.equal(world.plane.posts[0]?.body["dataplaneResource"], undefined);
  assert.match(role.events.find((each) => each.event === "inbound")?.text ?? "", /the app answers$/);
  assert.match(
    role.events.find((each) => each.event === "outbound")?.text ?? "",
    /no such service\. Nearest: backend$/,
  );
  assert.equal(await world.echo(), "hello");
});
