import assert from "node:assert/strict";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { FLAG_TEXTS } from "../../cmd/ctl/commands/flag-texts.ts";
import { BoundedFailureBook } from "../../core/insight/failure-book.ts";
import { flagWords } from "../../core/model/response-flags.ts";
import { openCtl } from "./ctl-rig.ts";

const REDIS = `type: Dataplane
mesh: default
name: {{ name }}
networking:
  address: 192.168.0.1
  inbound:
  - port: 9000
    servicePort: 6379
    tags:
      kuma.io/service: redis
`;

describe("ctl", () => {
  it("applies from stdin with variables, shows, and deletes; each change says how to undo it", async (test) => {
    const { run } = await openCtl(test);
    const created = await run(["apply", "-f", "-", "-v", "name=redis-1"], { stdin: REDIS });
    assert.deepEqual([created.code, created.out], [0, 'created Dataplane "redis-1"\n'], created.err);
    assert.match(created.err, /undo: monomesh delete dataplane redis-1/);
    const updated = await run(["apply", "-f", "-", "-v", "name=redis-1"], { stdin: REDIS.replace("9000", "9001") });
    assert.equal(updated.out, 'updated Dataplane "redis-1"\n');
    assert.match(updated.err, /undo: echo '.*"port":9000.*' \| monomesh apply -f -/);
    const table = await run(["get", "dataplanes"]);
    assert.match(
      table.out,
      /^MESH +NAME +SERVICE +ADDRESS +STATUS +CONNECTED +HEALTHY +CONFIG +WHY\ndefault +redis-1 +redis +192\.168\.0\.1 +Offline/,
    );
    assert.match(table.err, /^1 dataplane: 1 offline/);
    const yaml = await run(["get", "dataplane", "redis-1", "-o", "yaml"]);
    assert.match(yaml.out, /port: 9001/);
    assert.equal((await run(["get", "dataplanes", "-o", "name"])).out, "dataplanes/redis-1\n");
    assert.equal((await run(["delete", "dataplane", "redis-1"])).out, 'deleted Dataplane "redis-1"\n');
    const gone = await run(["delete", "dataplane", "redis-1"]);
    assert.equal(gone.code, 1);
    assert.match(gone.err, /could not delete Dataplane redis-1.*MM404/);
  });

  it("checks every document of every file before it changes anything, and shows each problem in its place", async (test) => {
    const { run, dir, api } = await openCtl(test);
    mkdirSync(join(dir, "files"));
    writeFileSync(join(dir, "files", "a.yaml"), "type: Mesh\nname: good\n");
    writeFileSync(
      join(dir, "files", "b.yaml"),
      `${REDIS.replace("{{ name }}", "redis-1").replace("servicePort", "servicePrt")}---\ntype: Dataplan\nname: x\n`,
    );
    const refused = await run(["apply", "-f", join(dir, "files")]);
    assert.equal(refused.code, 1);
    assert.match(refused.err, /b\.yaml is not valid: 2 problems\. Nothing was changed\..*MM104/);
    assert.match(refused.err, /b\.yaml:8 +servicePrt: 6379\n +\^{10}/);
    assert.match(refused.err, /Nearest:\s+servicePort/);
    assert.match(refused.err, /"Dataplan" is unknown\. Nearest: Dataplane/);
    assert.equal((await api.get("/meshes/good")).status, 404);
  });

  it("names the nearest type and verb, with exit code 2", async (test) => {
    const { run } = await openCtl(test);
    const type = await run(["get", "dataplans"]);
    assert.equal(type.code, 2);
    assert.match(type.err, /Did you mean dataplanes\?/);
    const verb = await run(["aply"]);
    assert.equal(verb.code, 2);
    assert.match(verb.err, /Did you mean apply\?/);
    assert.equal((await run(["get", "dataplanes", "-o", "xml"])).code, 2);
  });

  it("makes tokens; without --valid-for it says what it took", async (test) => {
    const { run, api } = await openCtl(test);
    const token = await run(["generate", "dataplane-token", "--name", "redis-1", "--tag", "kuma.io/service=redis,web"]);
    assert.equal(token.out, "header.payload.signature");
    assert.match(token.err, /valid for 24h/);
    assert.deepEqual(api.tokenRequests[0]?.tags, { "kuma.io/service": ["redis", "web"] });
    assert.equal(api.tokenRequests[0]?.validFor, 86_400_000);
    assert.equal((await run(["generate", "dataplane-token", "--valid-for", "soon"])).code, 2);
  });

  it("shows the failed requests of a sidecar, the newest last, with what its flags mean", async (test) => {
    const failures = new BoundedFailureBook();
    const { run, api } = await openCtl(test, { failures });
    assert.match((await run(["failures", "web-1"])).err, /could not get the failures of web-1.*MM404/);
    await run(["apply", "-f", "-", "-v", "name=web-1"], { stdin: REDIS });
    const none = await run(["failures", "web-1"]);
    assert.deepEqual([none.code, none.out, none.err], [0, "", "No failed request of web-1 is known.\n"]);
    const web = { mesh: "default", name: "web-1" };
    const one = { direction: "outbound", service: "redis", time: "2026-11-27T20:00:00.000Z" } as const;
    failures.record(web, "i", [
      { ...one, seq: 1, flags: ["UH"], durationMs: 0 },
      {
        ...one,
        seq: 2,
        method: "GET",
        path: "/a",
        status: 503,
        answeredBy: "sidecar",
        flags: ["UF", "URX"],
        details: "upstream_reset",
        upstream: "192.168.0.1:9000",
        durationMs: 1250,
      },
      { ...one, seq: 3, method: "GET", path: "/b", status: 500, answeredBy: "application", flags: [] },
      { ...one, seq: 4, flags: ["UH"] },
    ]);
    const table = await run(["failures", "web-1"]);
    const rows = table.out
      .trimEnd()
      .split("\n")
      .map((line) => line.split(/ {2,}/).slice(1));
    assert.deepEqual(rows, [
      ["DIRECTION", "SERVICE", "REQUEST", "STATUS", "ANSWERED BY", "ENDPOINT", "TOOK", "WHY"],
      ["outbound", "redis", "tcp", "none", "nobody", "-", "0ms", "UH no healthy upstream"],
      [
        ...["outbound", "redis", "GET /a", "503", "this sidecar", "192.168.0.1:9000", "1.3s"],
        "UF upstream connection failure, URX retries used up: upstream_reset",
      ],
      ["outbound", "redis", "GET /b", "500", "redis", "-", "-", "-"],
      ["outbound", "redis", "tcp", "none", "nobody", "-", "-", "UH no healthy upstream"],
    ]);
    assert.equal(table.err, "4 failed requests; 2 of them outbound to redis: UH no healthy upstream.\n");
    const json = JSON.parse((await run(["failures", "web-1", "-o", "json"])).out) as { items: { seq: number }[] };
    assert.deepEqual(
      json.items.map(({ seq }) => seq),
      [4, 3, 2, 1],
    );
    const spec = { state: "connected", instance: "cp-2-cd34" };
    await api.store.put({ ...web, type: "DataplanePresence", labels: {}, spec });
    const elsewhere = await run(["failures", "web-1"]);
    assert.match(
      elsewhere.err,
      /web-1 is connected to another control plane, cp-2-cd34; what it reported since is there/,
    );
  });

  it("keeps contexts in kumactl's form, private to the user", async (test) => {
    const { run, config, api } = await openCtl(test);
    assert.equal(statSync(config).mode & 0o777, 0o600);
    assert.match(readFileSync(config, "utf8"), /currentContext: test/);
    assert.match((await run(["config", "control-planes", "list"])).out, new RegExp(`\\* +test +${api.url}`));
    const again = await run(["config", "control-planes", "add", "--name", "test", "--address", api.url]);
    assert.match(again.err, /--overwrite/);
  });

  it("prints kumactl's columns under its name", async (test) => {
    const { run } = await openCtl(test);
    await run(["apply", "-f", "-", "-v", "name=redis-1"], { stdin: REDIS });
    const table = await run(["get", "dataplanes"], { calledAs: "kumactl" });
    assert.match(table.out, /^MESH {6}NAME {6}TAGS .*ADDRESS .*AGE\ndefault {3}redis-1 {3}kuma\.io\/service=redis/);
    assert.equal(table.err, "");
    const inspect = await run(["inspect", "dataplanes"], { calledAs: "kumactl" });
    assert.equal(inspect.out.split("\n")[0]?.split(/ {3,}/).length, 17);
    assert.match(inspect.out, /Offline/);
  });

  it("explains Envoy's response flags", async (test) => {
    const { run } = await openCtl(test);
    const { code, out } = await run(["explain", "uf"]);
    assert.equal(code, 0);
    assert.match(
      out,
      /^UF {2}upstream connection failure \(response flag of Envoy\)\n\nThe connection could not be made/,
    );
    for (const flag of Object.keys(FLAG_TEXTS)) assert.notEqual(flagWords(flag), undefined, flag);
    assert.equal((await run(["explain", "RLSE"])).out, "RLSE  rate limit service failed (response flag of Envoy)\n");
    assert.equal((await run(["explain", "XX"])).code, 2);
  });

  it("explains codes offline, and says what to do when no control plane answers", async (test) => {
    const { run } = await openCtl(test);
    assert.match((await run(["explain", "mm104"])).out, /Invalid definition/);
    assert.equal((await run(["explain", "MM999"])).code, 2);
    await run(["config", "control-planes", "add", "--name", "away", "--address", "http://127.0.0.1:1", "--skip-check"]);
    const away = await run(["get", "meshes"]);
    assert.equal(away.code, 1);
    assert.match(away.err, /no control plane answers at http:\/\/127\.0\.0\.1:1 +MM120\n.*\n.*monomesh cp run/);
  });
});
