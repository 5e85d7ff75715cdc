import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { runCtl } from "../../cmd/ctl/run-ctl.ts";
import { reportError } from "../../cmd/terminal/error-text.ts";
import { createRegistry, resourceTypes } from "../../core/model/registry.ts";
import { builtinPolicies } from "../../plugins/policy-builtins.ts";
import { redis, serve } from "../core/api/serve.ts";
import { createTestIo } from "../support/io.ts";

const TIMEOUT = `type: MeshTimeout
name: fast
spec:
  targetRef: { kind: Dataplane, name: redis-1 }
  to:
  - targetRef: { kind: Mesh }
    default:
      connectionTimeout: 2s
      http: { requestTimeout: 1m30s }
`;

async function open(context: TestContext) {
  const policies = builtinPolicies();
  const types = createRegistry([...resourceTypes(), ...policies.map(({ type }) => type)]);
  const api = await serve(context, { types, policies });
  for (const name of ["redis-1", "redis-2"]) {
    const dataplane = redis(name, { outbound: [{ port: 10_000, tags: { "kuma.io/service": "backend" } }] });
    assert.equal((await api.put(`/meshes/default/dataplanes/${name}`, dataplane)).status, 201);
  }
  const dir = mkdtempSync(join(tmpdir(), "ctl-"));
  context.after(() => rmSync(dir, { recursive: true }));
  const configFile = join(dir, "config");
  const run = async (args: string[], options: { stdin?: string; calledAs?: string } = {}) => {
    const io = createTestIo(options.calledAs ?? "monomesh", options.stdin ? { stdin: options.stdin } : {});
    const code = await runCtl(["--config-file", configFile, ...args], io).catch((error) => reportError(io, error));
    return { code, out: io.out(), err: io.err() };
  };
  await run(["config", "control-planes", "add", "--name", "test", "--address", api.url]);
  const policiesOf = async (name: string) => (await run(["inspect", "dataplane", name, "--type", "policies"])).out;
  return { run, policiesOf };
}

test("a policy is applied, shown, inspected and deleted", async (context) => {
  const { run, policiesOf } = await open(context);
  assert.match(await policiesOf("redis-1"), /^no policy says anything/);
  const applied = await run(["apply", "-f", "-"], { stdin: TIMEOUT });
  assert.deepEqual([applied.code, applied.out], [0, 'created MeshTimeout "fast"\n'], applied.err);
  assert.match(
    (await run(["get", "meshtimeouts"])).out,
    /^MESH +NAME +TARGETREF KIND +TARGETREF NAME +AGE\ndefault +fast +Dataplane +redis-1 /,
  );
  assert.match((await run(["get", "mt", "fast", "-o", "yaml"])).out, /requestTimeout: 1m30s/);
  const inspected = await run(["inspect", "meshtimeout", "fast"]);
  assert.equal(inspected.out, "MESH     NAME\ndefault  redis-1\n");
  assert.match(inspected.err, /^MeshTimeout fast is for 1 proxy\./);
  assert.equal(
    (await run(["inspect", "meshtimeout", "fast"], { calledAs: "kumactl" })).out,
    "Affected data plane proxies:\n\n  redis-1:\n    dataplane\n\n",
  );
  assert.equal(
    await policiesOf("redis-1"),
    [
      "FOR         POLICY       FIELD                VALUE  FROM",
      "to backend  MeshTimeout  connectionTimeout    2s     fast to[0]",
      "            MeshTimeout  http.requestTimeout  1m30s  fast to[0]",
      "",
    ].join("\n"),
  );
  assert.match(await policiesOf("redis-2"), /^no policy says anything/);
  assert.equal((await run(["delete", "meshtimeout", "fast"])).out, 'deleted MeshTimeout "fast"\n');
});

test("problems of a policy are shown at their place in the file", async (context) => {
  const { run } = await open(context);
  const stdin = TIMEOUT.replace("connectionTimeout", "conectionTimeout").replace("kind: Mesh ", "kind: Mush ");
  const { code, err } = await run(["apply", "-f", "-"], { stdin });
  assert.equal(code, 1);
  assert.match(
    err,
    /stdin:6 {3}- targetRef: \{ kind: Mush \}\n +\^{4} {2}spec\.to\[0\]\.targetRef\.kind must be one of Mesh/,
  );
  assert.match(err, /stdin:8 {3}conectionTimeout: 2s\n +\^{16} {2}.* is no field\. Nearest:\s+connectionTimeout/);
});
