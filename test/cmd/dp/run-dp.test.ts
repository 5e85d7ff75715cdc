import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { describe, test } from "node:test";
import { runDp } from "../../../cmd/dp/run-dp.ts";
import { createSidecarSink } from "../../../cmd/dp/sidecar-sink.ts";
import type { Io } from "../../../cmd/terminal/io.ts";
import type { MeshError } from "../../../core/kernel/errors.ts";

interface TestIo extends Io {
  readonly out: string[];
  readonly err: string[];
}

function testIo(env: Record<string, string> = {}, stdin = "", calledAs = "monomesh"): TestIo {
  const out: string[] = [];
  const err: string[] = [];
  return {
    stdin: Readable.from([stdin]) as unknown as Io["stdin"],
    stdout: { write: (text) => out.push(text) },
    stderr: { write: (text) => err.push(text) },
    env,
    calledAs,
    out,
    err,
  };
}

async function refused(args: readonly string[], io = testIo()): Promise<MeshError> {
  return await runDp(args, io).then(
    (code) => assert.fail(`exit code ${code}: ${io.err.join("")}`),
    (error: MeshError) => error,
  );
}

describe("usage", () => {
  test("help and version go to stdout", async () => {
    const io = testIo();
    assert.equal(await runDp(["run", "--help"], io), 0);
    assert.match(io.out.join(""), /--dataplane-file FILE/);
    const overview = testIo();
    await runDp(["--help"], overview);
    assert.match(overview.out.join(""), /wait until a sidecar/);
    const version = testIo({}, "", "kuma-dp");
    assert.equal(await runDp(["version"], version), 0);
    assert.match(version.out.join(""), /^monomesh \d+\.\d+\.\d+ \(speaks Kuma 2\.14\)\n$/);
  });

  const cases: [string, readonly string[], string, RegExp][] = [
    ["no command", [], "MM100", /a command is missing/],
    ["a slip in the command", ["rum"], "MM100", /has no command "rum"/],
    ["a stray word", ["run", "dp.yaml"], "MM100", /does not take "dp\.yaml"/],
    ["nothing that says which Dataplane", ["run"], "MM100", /nothing that says which Dataplane/],
    ["a name without a mesh", ["run", "--name=a"], "MM100", /--mesh is missing/],
    [
      "a name beside a definition",
      ["run", "--dataplane=type: Dataplane", "--name=a", "--mesh=b"],
      "MM100",
      /--name and --mesh cannot stand beside a definition/,
    ],
    ["a definition that is none", ["run", "--dataplane=hello"], "MM104", /one problem/],
    [
      "a token file that is not there",
      ["run", "--name=a", "--mesh=b", "--dataplane-token-file=/nowhere"],
      "MM105",
      /cannot read the token file/,
    ],
    ["a token that is none", ["run", "--name=a", "--mesh=b", "--dataplane-token=x y"], "MM301", /holds no token/],
    [
      "a CA file that is not there",
      ["run", "--name=a", "--mesh=b", "--ca-cert-file=/nowhere"],
      "MM105",
      /cannot read the CA file/,
    ],
    [
      "an Envoy that is not there",
      ["run", "--name=a", "--mesh=b", "--binary-path=/nowhere/envoy"],
      "MM600",
      /--binary-path names no Envoy/,
    ],
    [
      "an Envoy that is none",
      ["run", "--name=a", "--mesh=b", "--binary-path=/bin/true"],
      "MM601",
      /is no Envoy that runs here/,
    ],
    [
      "an address without TLS",
      ["run", "--name=a", "--mesh=b", "--cp-address=http://127.0.0.1:5678"],
      "MM100",
      /is not https/,
    ],
  ];
  for (const [what, args, code, message] of cases) {
    test(what, async () => {
      const error = await refused(args);
      assert.equal(error.code, code);
      assert.match(error.message, message);
    });
  }

  test("a variable of the control plane is none of ours, a slip is an error", async () => {
    const error = await refused(["run"], testIo({ MONOMESH_STORE_TYPE: "memory", MONOMESH_LOG_FORMAT: "human" }));
    assert.equal(error.code, "MM100");
    assert.equal((await refused(["run"], testIo({ MONOMESH_STOR_TYPE: "memory" }))).code, "MM201");
  });

  test("a definition on stdin", async () => {
    const error = await refused(["run", "-d", "-"], testIo({}, "type: Mesh\n"));
    assert.match(error.message, /stdin is not a valid Dataplane/);
  });
});

describe("dp wait", () => {
  test("until it is ready", async () => {
    let asked = 0;
    const server = createServer((_request, response) => response.writeHead(++asked < 3 ? 503 : 200).end("LIVE\nwhy\n"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://localhost:${(server.address() as AddressInfo).port}/ready`;
    const io = testIo();
    assert.equal(await runDp(["wait", `--url=${url}`, "--check-frequency=10ms"], io), 0);
    assert.equal(asked, 3);
    assert.match(io.err.join(""), /status 503 LIVE; why\n.* is ready\n$/);
    await new Promise((resolve) => server.close(resolve));
  });

  test("not for ever, and only for this machine", async () => {
    const error = await refused([
      "wait",
      "--unix-socket=/nowhere/admin.sock",
      "--timeout=50ms",
      "--check-frequency=10ms",
    ]);
    assert.match(error.message, /admin\.sock was not ready within 50ms: nothing listens there yet/);
    assert.equal((await refused(["wait", "--url=http://example.com/ready"])).code, "MM100");
    assert.equal((await refused(["wait", "--timeout=soon"])).code, "MM100");
    assert.equal((await refused(["wait", "--tiemout=5s"])).code, "MM100");
  });
});

test("on a terminal the start is a block, later events have a time; a machine gets JSON", () => {
  const human = testIo({ MONOMESH_LOG_FORMAT: "human" });
  const sink = createSidecarSink(human);
  sink.write("info", "starting", "monomesh sidecar", {});
  sink.write("info", "control", "https://a:5678", {});
  sink.write("info", "envoy-started", "x", { pid: 1 });
  sink.write("info", "serving", "serving in 0.48 s.", {});
  sink.write("warn", "disconnected", "lost the control plane", {});
  assert.match(
    human.err.join(""),
    /^monomesh sidecar\n {2}control {4}https:\/\/a:5678\nserving in 0\.48 s\.\n\d\d:\d\d:\d\d {2}warning {2}lost the control plane\n$/,
  );
  const json = testIo({ MONOMESH_LOG_FORMAT: "json" });
  createSidecarSink(json).write("info", "envoy-started", "x", { pid: 7 });
  const { event, pid } = JSON.parse(json.err.join("")) as { event: string; pid: number };
  assert.deepEqual([event, pid], ["envoy-started", 7]);
});
