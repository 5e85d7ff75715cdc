import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type RoleProcess, startRole } from "../../../cmd/demo/child.ts";
import { freePorts } from "../../../cmd/demo/free-ports.ts";
import { MeshControlPlane } from "../../core/sidecar/mesh-control-plane.ts";
import { TEST_CERT } from "../../core/sidecar/tls-control-plane.ts";
import { unsignedToken } from "../../core/sidecar/unsigned-token.ts";

const TOKEN = unsignedToken({ Name: "redis-1" });

let dir: string;
let plane: MeshControlPlane;
let app: Server;
let port: number;
let readinessPort: number;
const started: RoleProcess[] = [];

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "sidecar-test-"));
  app = createServer((socket) => socket.on("error", () => undefined).pipe(socket));
  await new Promise<void>((resolve) => app.listen(0, "127.0.0.1", resolve));
  [port = 0, readinessPort = 0] = await freePorts(2);
  plane = new MeshControlPlane();
  plane.inbounds = [{ address: "127.0.0.1", port, servicePort: (app.address() as AddressInfo).port }];
  await plane.listen();
  writeFileSync(join(dir, "ca.pem"), TEST_CERT);
  writeFileSync(join(dir, "token"), `${TOKEN}\n`);
  writeFileSync(join(dir, "dp.yaml"), definition());
});

afterEach(async () => {
  for (const role of started.splice(0)) {
    const envoy = lastEnvoy(role);
    role.process.kill("SIGKILL");
    if (envoy !== undefined) kill(envoy, "SIGKILL");
    await role.exited;
  }
  await plane[Symbol.asyncDispose]();
  await new Promise((resolve) => app.close(resolve));
  rmSync(dir, { recursive: true });
});

function definition(name = "redis-1", listen = port): string {
  return `type: Dataplane
mesh: default
name: ${name}
networking:
  address: 127.0.0.1
  inbound:
  - port: ${listen}
    servicePort: ${(app.address() as AddressInfo).port}
    tags:
      kuma.io/service: redis
`;
}

function start(args: readonly string[] = [], env: Record<string, string> = {}): RoleProcess {
  const role = startRole(
    [
      "dp",
      "run",
      `--cp-address=${plane.address}`,
      `--ca-cert-file=${join(dir, "ca.pem")}`,
      `--dataplane-file=${join(dir, "dp.yaml")}`,
      `--dataplane-token-file=${join(dir, "token")}`,
      "--drain-time=20s",
      ...args,
    ],
    { MONOMESH_READINESS_PORT: String(readinessPort), MONOMESH_IGNORE_KUMA_ENV: "1", ...env },
  );
  started.push(role);
  return role;
}

function lastEnvoy(role: RoleProcess): number | undefined {
  const pid = role.events.findLast((each) => each.event === "envoy-started")?.["pid"];
  return typeof pid === "number" ? pid : undefined;
}

function kill(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** Whether it runs; a process that has ended and was not waited for yet does not. */
function runs(pid: number): boolean {
  return kill(pid, 0) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
}

/** Sends a line through the sidecar to the echo behind it. */
async function echo(to = port): Promise<string> {
  const socket = connect(to, "127.0.0.1");
  try {
    return await new Promise<string>((resolve, reject) => {
      socket.once("error", reject).once("close", () => reject(new Error("closed")));
      socket.on("data", (chunk) => resolve(chunk.toString()));
      socket.setTimeout(3000, () => reject(new Error("no answer")));
      socket.write("hello");
    });
  } finally {
    socket.destroy();
  }
}

function get(
  target: { readonly port?: number; readonly socketPath?: string },
  path: string,
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    request({ host: "127.0.0.1", ...target, path, agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        body += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: body.trim() }));
    })
      .on("error", reject)
      .end();
  });
}

async function until(good: () => boolean | Promise<boolean>, what: string, limitMs = 10_000): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!(await good())) {
    assert.ok(performance.now() < deadline, `waited in vain: ${what}`);
    await sleep(20);
  }
}

const workDirOf = (role: RoleProcess) => `/proc/${lastEnvoy(role)}/cmdline`;

describe("a sidecar's life", () => {
  test("joins, serves, leaves; the token stays with the supervisor", async () => {
    const workDir = join(dir, "work");
    const role = start([`--work-dir=${workDir}`]);
    const serving = await role.event("serving");
    assert.equal(await echo(), "hello");
    assert.match(serving.text, /^serving in \d+\.\d\d s\. Ctrl-C drains \(20s at most\)/);
    assert.deepEqual(
      role.events.map((each) => each.event).filter((each) => each !== "envoy"),
      ["starting", "dataplane", "control", "token", "envoy-started", "inbound", "ready", "serving"],
    );
    assert.match(role.events.find((each) => each.event === "inbound")?.text ?? "", /the app answers$/);
    assert.deepEqual(await get({ port: readinessPort }, "/ready"), { status: 200, body: "LIVE" });
    assert.equal((await get({ port: readinessPort }, "/other")).status, 404);

    assert.equal(plane.streams[0]?.authorization, TOKEN);
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
    await until(async () => (await get({ port: readinessPort }, "/ready")).body === "TERMINATING", "readiness");
    assert.equal(await role.exited, 0);
    const [leave, left] = plane.posts.slice(-2);
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
    const role = start();
    await role.event("serving");
    const config = readFileSync(workDirOf(role), "utf8").split("\0")[2] ?? "";
    assert.equal(existsSync(config), true);
    kill(role.pid, "SIGINT");
    assert.equal(await role.exited, 0);
    assert.equal(existsSync(join(config, "..")), false);
  });

  test("a drain with an open connection waits, a second signal does not", async () => {
    const role = start();
    await role.event("serving");
    const open = connect(port, "127.0.0.1");
    await new Promise((resolve) => open.once("connect", resolve));
    open.write("hello");
    open.on("error", () => undefined);
    role.process.kill("SIGTERM");
    assert.match((await role.event("withdrawn")).text, /withdrawn from 2 of 2 consumers in 1 ms; 1 connection open$/);
    await sleep(1500);
    assert.equal(role.process.exitCode, null);
    assert.equal(await echo(), "hello");
    const hurried = performance.now();
    role.process.kill("SIGTERM");
    assert.equal(await role.exited, 0);
    assert.ok(performance.now() - hurried < 1000);
    assert.match(role.events.at(-1)?.text ?? "", /1 connection open was cut\.$/);
    open.destroy();
  });

  test("with the control plane away the whole drain time is waited", async () => {
    const role = start(["--drain-time=2s"]);
    await role.event("serving");
    await plane.kill();
    const asked = performance.now();
    role.process.kill("SIGTERM");
    assert.match((await role.event("leaving")).text, /did not hear it \(.*\); the whole drain time \(2s\) is waited/);
    assert.equal(await role.exited, 0);
    assert.ok(performance.now() - asked >= 2000);
  });

  test("a stock control plane, which has no leave, is not asked to", async () => {
    plane.onPost = ({ path, body }) =>
      path === "/bootstrap" ? { status: 200, body: stockBootstrap(body) } : { status: 404, body: "" };
    const role = start(["--drain-time=1s"]);
    await role.event("serving");
    assert.equal(plane.streams[0]?.authorization, TOKEN);
    role.process.kill("SIGTERM");
    assert.equal(await role.exited, 0);
    assert.deepEqual(
      plane.posts.map((post) => post.path),
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

describe("when it goes wrong before it serves", () => {
  test("a refusal on the stream ends it within a second, with the reason", async () => {
    plane.refusal = { message: "the token is for redis-2, not redis-1. (MM311)", code: "MM311" };
    const role = start();
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
    await plane.kill();
    const role = start();
    await role.event("waiting");
    const asked = performance.now();
    role.process.kill("SIGINT");
    assert.equal(await role.exited, 0);
    assert.ok(performance.now() - asked < 500);
  });

  test("it waits for a control plane that comes up later", async () => {
    await plane.kill();
    const role = start();
    await role.event("waiting");
    await plane.listen();
    await role.event("serving");
  });

  test("a port that is taken is said before anything is sent", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(port, "127.0.0.1", resolve));
    const role = start();
    assert.equal(await role.exited, 1);
    assert.match(
      String(role.events.at(-1)?.["where"]),
      new RegExp(`127\\.0\\.0\\.1:${port} {2}node \\(pid ${process.pid}\\) has it`),
    );
    assert.deepEqual(plane.posts, []);
    await new Promise((resolve) => other.close(resolve));
  });

  test("an Envoy that cannot start says why", async () => {
    plane.onPost = ({ path, body }) => {
      if (path !== "/bootstrap") return undefined;
      const bootstrap = { admin: { address: { pipe: { path: `${body["workdir"]}/a.sock` } } }, nonsense: true };
      return {
        status: 200,
        body: JSON.stringify({ bootstrap: Buffer.from(JSON.stringify(bootstrap)).toString("base64") }),
      };
    };
    const role = start();
    assert.equal(await role.exited, 1);
    assert.equal(role.events.at(-1)?.["code"], "MM601");
    assert.match(role.events.at(-1)?.text ?? "", /Envoy did not start: exit code 1: .*nonsense/s);
  });
});

describe("while it serves", () => {
  test("a control plane that is killed and comes back", async () => {
    const role = start();
    await role.event("serving");
    await plane.kill();
    await role.event("disconnected");
    assert.equal(await echo(), "hello");
    const rotated = unsignedToken({ Name: "redis-1", jti: "2" });
    writeFileSync(join(dir, "token"), rotated);
    await plane.listen();
    await role.event("reconnected");
    await plane.opened(2);
    assert.equal(plane.streams[1]?.authorization, rotated);
    assert.deepEqual(await get({ port: readinessPort }, "/ready"), { status: 200, body: "LIVE" });
  });

  test("a refusal is said once, and Envoy goes on", async () => {
    const role = start();
    await role.event("serving");
    plane.refusal = { message: "token revoked", code: "MM306" };
    await plane.kill();
    await plane.listen();
    assert.match((await role.event("refused")).text, /token revoked\. Envoy goes on with what it has/);
    await sleep(1500);
    assert.equal(role.events.filter((each) => each.event === "refused").length, 1);
    assert.equal(await echo(), "hello");
    plane.refusal = undefined;
    await plane.opened(2);
  });

  test("an Envoy that crashes is started again, as the same incarnation", async () => {
    const role = start();
    await role.event("serving");
    const first = lastEnvoy(role) ?? 0;
    kill(first, "SIGKILL");
    await role.event("envoy-crashed");
    await plane.opened(2);
    assert.notEqual(lastEnvoy(role), first);
    assert.equal(plane.streams[1]?.incarnation, plane.streams[0]?.incarnation);
    await until(
      () =>
        echo().then(
          () => true,
          () => false,
        ),
      "traffic through the new Envoy",
    );
  });

  test("five crashes within a minute end it", async () => {
    const role = start();
    await role.event("serving");
    for (let count = 0; count < 5; count++) {
      const envoy = lastEnvoy(role) ?? 0;
      kill(envoy, "SIGKILL");
      await until(() => lastEnvoy(role) !== envoy || role.process.exitCode !== null, "the next Envoy");
    }
    assert.equal(await role.exited, 1);
    assert.match(role.events.at(-1)?.text ?? "", /Envoy ended 5 times within a minute, the last time by SIGKILL/);
  });

  test("a second sidecar on the machine just works", async () => {
    await start().event("serving");
    const [other = 0] = await freePorts(1);
    plane.inbounds = [{ address: "127.0.0.1", port: other, servicePort: (app.address() as AddressInfo).port }];
    writeFileSync(join(dir, "dp.yaml"), definition("redis-2", other));
    const second = start();
    const ready = await second.event("ready");
    await second.event("serving");
    assert.match(
      ready.text,
      new RegExp(`\\(${readinessPort} is taken by .* \\(pid ${started[0]?.pid}, the sidecar of redis-1\\)\\)$`),
    );
    assert.notEqual(ready["port"], readinessPort);
    assert.deepEqual([await echo(port), await echo(other)], ["hello", "hello"]);
  });

  for (const shareable of [true, false]) {
    test(`kill -9: Envoy goes on, the next start replaces it ${shareable ? "without a gap" : "with a short one, as its ports cannot be shared"}`, async () => {
      plane.reusePort = shareable;
      const killed = start();
      await killed.event("serving");
      const old = lastEnvoy(killed) ?? 0;
      killed.process.kill("SIGKILL");
      await killed.exited;
      assert.equal(await echo(), "hello");
      const kept = connect(port, "127.0.0.1");
      await new Promise((resolve) => kept.once("connect", resolve));
      let failed = 0;
      const load = setInterval(() => void echo().catch(() => failed++), 20);
      const next = start();
      await next.event("serving");
      await until(() => next.events.some((each) => each.event === "leftover"), "word of the takeover");
      await sleep(200);
      clearInterval(load);
      if (shareable) {
        assert.equal(failed, 0);
        assert.equal(runs(old), true, "its connection may go on");
        kept.destroy();
      }
      await until(() => !runs(old), "the end of the old Envoy");
      kept.destroy();
      assert.equal(await echo(), "hello");
    });
  }
});

test("Indirect: no definition is sent, and the sidecar waits for the Dataplane", async () => {
  let asked = 0;
  plane.onPost = ({ path }) => (path === "/bootstrap" && ++asked < 3 ? { status: 404, body: "" } : undefined);
  const role = startRole(
    [
      "dp",
      "run",
      `--cp-address=${plane.address}`,
      `--ca-cert-file=${join(dir, "ca.pem")}`,
      "--name=redis-1",
      "--mesh=default",
      "--drain-time=1s",
      `--dataplane-token=${TOKEN}`,
    ],
    {
      MONOMESH_READINESS_PORT: String(readinessPort),
      MONOMESH_IGNORE_KUMA_ENV: "1",
    },
  );
  started.push(role);
  assert.match((await role.event("waiting")).text, /waiting for Dataplane redis-1 in mesh default/);
  await role.event("serving");
  assert.equal(plane.posts[0]?.body["dataplaneResource"], undefined);
  assert.equal(await echo(), "hello");
});
