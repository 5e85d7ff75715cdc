import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { freePorts } from "../../cmd/demo/free-ports.ts";
import { EXECUTABLE } from "../support/executable.ts";
import { openTestMesh } from "../support/mesh.ts";

/*
 * The first hour that went wrong with Kuma: what newcomers met, each with what they must read instead of a stack trace, a
 * retry without end or nothing at all.
 */

interface Ended {
  readonly code: number | null;
  readonly stderr: string;
  readonly stdout: string;
  readonly seconds: number;
}

/** Runs `monomesh ARGS` as a person would, and gives up on it after 20 s. */
function run(args: readonly string[], env: Readonly<Record<string, string>> = {}, argv0 = "monomesh"): Promise<Ended> {
  const started = performance.now();
  const child = spawn(EXECUTABLE, args, {
    argv0,
    env: { ...process.env, MONOMESH_LOG_FORMAT: "human", MONOMESH_IGNORE_KUMA_ENV: "1", ...env },
    timeout: 20_000,
    killSignal: "SIGKILL",
  });
  let stderr = "";
  let stdout = "";
  child.stderr.on("data", (data) => (stderr += data));
  child.stdout.on("data", (data) => (stdout += data));
  return new Promise((resolve) =>
    child.on("close", (code) => resolve({ code, stderr, stdout, seconds: (performance.now() - started) / 1000 })),
  );
}

/** A mesh with the files of a Dataplane that has not joined yet. */
async function prepared(test: TestContext) {
  const { mesh, http } = await openTestMesh(test);
  const spec = await http("redis-1", "redis");
  const token = String((await mesh.api.post("/tokens/dataplane", { mesh: "default", name: "redis-1" })).body);
  const files = { definition: join(mesh.dir, "redis-1.yaml"), token: join(mesh.dir, "redis-1.token") };
  writeFileSync(files.token, token);
  writeFileSync(
    files.definition,
    `type: Dataplane\nmesh: default\nname: redis-1\nnetworking:\n  address: 127.0.0.1\n  inbound:\n  - port: ${spec.port}\n    servicePort: ${spec.servicePort}\n    tags:\n      kuma.io/service: redis\n`,
  );
  const join_ = (overrides: readonly string[] = [], cpAddress = mesh.dpAddress) => [
    "dp",
    "run",
    `--cp-address=${cpAddress}`,
    `--dataplane-file=${files.definition}`,
    `--dataplane-token-file=${files.token}`,
    ...overrides,
  ];
  return { mesh, http, spec, token, files, join: join_ };
}

describe("the first hour", () => {
  it("two sidecars on one host need no settings", async (test) => {
    const { mesh, http } = await openTestMesh(test);
    const [first, second] = await Promise.all([
      mesh.startSidecar(await http("a-1", "a")),
      mesh.startSidecar(await http("b-1", "b")),
    ]);
    assert.notEqual(first.pid, second.pid);
    assert.equal(await mesh.presence("a-1"), "connected");
    assert.equal(await mesh.presence("b-1"), "connected");
  });

  it("a control plane behind an address that its certificate does not name is believed by the token", async (test) => {
    const { mesh, http } = await openTestMesh(test);
    const elsewhere = mesh.dpAddress.replace("127.0.0.1", "127.0.0.2");
    await mesh.startSidecar(await http("a-1", "a"), [`--cp-address=${elsewhere}`]);
    assert.equal(await mesh.presence("a-1"), "connected");
  });

  it("a forged token is refused within a second, with the reason, and the process ends", async (test) => {
    const { files, token, join } = await prepared(test);
    const [header, payload, signature = ""] = token.split(".");
    writeFileSync(files.token, `${header}.${payload}.${signature.startsWith("A") ? "B" : "A"}${signature.slice(1)}`);
    const ended = await run(join());
    assert.equal(ended.code, 1, ended.stderr);
    assert.match(ended.stderr, /signature|forged|signing key/i);
    assert.match(ended.stderr, /MM310/);
    assert.ok(ended.seconds < 3, `${ended.seconds} s`);
  });

  it("a token for another name is refused by name", async (test) => {
    const { mesh, files, join } = await prepared(test);
    writeFileSync(
      files.token,
      String((await mesh.api.post("/tokens/dataplane", { mesh: "default", name: "redis-2" })).body),
    );
    const ended = await run(join());
    assert.equal(ended.code, 1);
    assert.match(ended.stderr, /redis-2, not redis-1/);
    assert.match(ended.stderr, /MM311/);
  });

  it("port 5681 given instead of 5678 is named", async (test) => {
    const { mesh, join } = await prepared(test);
    const ended = await run(join([], mesh.api.url.replace("http:", "https:")));
    assert.equal(ended.code, 1, ended.stderr);
    assert.match(ended.stderr, /MM121/);
  });

  it("a sidecar without any token is told how to get one", async (test) => {
    const { mesh, files } = await prepared(test);
    const ended = await run([
      "dp",
      "run",
      `--cp-address=${mesh.dpAddress}`,
      `--dataplane-file=${files.definition}`,
      "--skip-verify",
    ]);
    assert.equal(ended.code, 1);
    assert.match(ended.stderr, /token/);
  });

  it("a second control plane on the host names the port and its holder", async (test) => {
    const { mesh } = await openTestMesh(test);
    const [dp, diagnostics] = await freePorts(2);
    const ended = await run(["cp", "run"], {
      MONOMESH_GENERAL_WORK_DIR: join(mesh.dir, "second"),
      MONOMESH_API_SERVER_HTTP_INTERFACE: "127.0.0.1",
      MONOMESH_API_SERVER_HTTP_PORT: new URL(mesh.api.url).port,
      MONOMESH_DP_SERVER_PORT: String(dp),
      MONOMESH_DIAGNOSTICS_SERVER_PORT: String(diagnostics),
    });
    assert.equal(ended.code, 1, ended.stderr);
    assert.match(ended.stderr, new RegExp(`${new URL(mesh.api.url).port}.*MM202`, "s"));
  });

  it("the token is nowhere but in the user's file: not in Envoy's configuration, not in the work directory", async (test) => {
    const { mesh, http } = await openTestMesh(test);
    const dir = join(mesh.dir, "work");
    await mesh.startSidecar(await http("a-1", "a"), [`--work-dir=${dir}`]);
    const token = readFileSync(join(mesh.dir, "a-1.token"), "utf8");
    const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    assert.ok(files.length > 0);
    for (const file of files)
      assert.ok(!readFileSync(join(file.parentPath, file.name), "utf8").includes(token), file.name);
  });

  it("an unknown setting stops the start with the nearest name", async () => {
    const ended = await run(["cp", "run"], { MONOMESH_STORE_TYP: "memory" });
    assert.equal(ended.code, 1);
    assert.match(ended.stderr, /MONOMESH_STORE_TYP.*Nearest: MONOMESH_STORE_TYPE/s);
    assert.equal(ended.stdout, "");
  });
});
