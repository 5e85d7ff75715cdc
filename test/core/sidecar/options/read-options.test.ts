import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MeshError } from "../../../../core/kernel/errors.ts";
import { runHelp } from "../../../../core/sidecar/options/help.ts";
import { isSidecarVariable } from "../../../../core/sidecar/options/option-table.ts";
import { parseDpArgs } from "../../../../core/sidecar/options/parse-args.ts";
import { chosenWorkDir, readOptions } from "../../../../core/sidecar/options/read-options.ts";

type Env = Record<string, string>;

function read(args: readonly string[], env: Env = {}, asKuma = false) {
  return readOptions({
    args: parseDpArgs(args, "monomesh dp run"),
    env,
    asKuma,
    foreignVariable: (name) => name === "MONOMESH_DEBUG",
  });
}

function problem(run: () => unknown): MeshError {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof MeshError);
    return error;
  }
  return assert.fail("nothing was thrown");
}

describe("flags", () => {
  test("as kuma-dp takes them: with = or a space, short, switches, the last one counts", () => {
    const { values } = read([
      "-d",
      "-",
      "--cp-address",
      "https://a:1",
      "--skip-verify",
      "--drain-time",
      "20s",
      "--drain-time=1m30s",
    ]);
    assert.equal(values.dataplaneFile, "-");
    assert.equal(values.cpAddress, "https://a:1");
    assert.equal(values.skipVerify, true);
    assert.equal(values.drainTime, 90_000);
    assert.equal(read(["--skip-verify=false"]).values.skipVerify, false);
  });

  test("what Kuma lacks has no variable with its prefix", () => {
    assert.equal(read(["--wait-for-app"]).values.waitForApp, true);
    assert.equal(read([], { MONOMESH_DATAPLANE_WAIT_FOR_APP: "true" }).values.waitForApp, true);
    const { values, notes } = read([], { KUMA_DATAPLANE_WAIT_FOR_APP: "true" });
    assert.equal(values.waitForApp, false);
    assert.match(notes.join(), /does not act on: KUMA_DATAPLANE_WAIT_FOR_APP/);
    assert.match(runHelp("monomesh dp"), /--wait-for-app {2,}MONOMESH_DATAPLANE_WAIT_FOR_APP only/);
  });

  test("several control planes: the flag again, or commas", () => {
    const { values } = read(["--cp-address", "https://a:1", "--cp-address=https://b:2,https://c:3"]);
    assert.equal(values.cpAddress, "https://a:1,https://b:2,https://c:3");
  });

  const wrong: [string, readonly string[], RegExp, RegExp?][] = [
    ["a slip", ["--dataplan-file=x"], /--dataplan-file is no flag/, /Nearest: --dataplane-file/],
    ["a value forgotten", ["--cp-address"], /--cp-address needs a value/],
    ["a switch with a space", ["--skip-verify", "false"], /"false" stands alone/, /--skip-verify=false/],
    ["a variable without =", ["--dataplane-var", "name"], /key=value, not "name"/],
    [
      "one variable as value and group",
      ["-v", "net=1", "-v", "net.address=2"],
      /"net" is given as a value and as a group/,
    ],
  ];
  for (const [what, args, message, todo = /./] of wrong) {
    test(`wrong: ${what}`, () => {
      const error = problem(() => read(args));
      assert.equal(error.code, "MM100");
      assert.match(error.message, message);
      assert.match(error.todo ?? "", todo);
    });
  }

  test("variables of a template: repeated, separated by commas, with commas inside, dotted", () => {
    const { values, names } = read([
      "-v",
      "a=1,b=2",
      "-v",
      "list=x,y",
      "-v",
      "net.a=3",
      "-v",
      "net.b=4",
      "-v",
      "__proto__.x=5",
    ]).variables;
    assert.deepEqual(names, ["a", "b", "list", "net.a", "net.b", "__proto__.x"]);
    assert.deepEqual([values["a"], values["b"], values["list"], values["net"]], ["1", "2", "x,y", { a: "3", b: "4" }]);
    assert.equal(({} as Env)["x"], undefined);
  });
});

describe("sources", () => {
  const env: Env = { MONOMESH_DATAPLANE_DRAIN_TIME: "20s", KUMA_DATAPLANE_DRAIN_TIME: "10s" };

  test("as monomesh: flag, then MONOMESH_, then KUMA_, and a line that names them when they differ", () => {
    const all = read(["--drain-time=5s"], env);
    assert.equal(all.values.drainTime, 5000);
    assert.deepEqual(all.notes, [
      "flag --drain-time (5s) and variable MONOMESH_DATAPLANE_DRAIN_TIME (20s) and variable KUMA_DATAPLANE_DRAIN_TIME (10s) differ: flag --drain-time wins",
    ]);
    assert.equal(read([], env).values.drainTime, 20_000);
    assert.equal(read([], { KUMA_DATAPLANE_DRAIN_TIME: "10s" }).values.drainTime, 10_000);
    assert.equal(read([]).origin("drainTime"), "default");
  });

  test("as kuma-dp a variable beats the flag, and says so", () => {
    const { values, notes } = read(["--drain-time=5s"], { KUMA_DATAPLANE_DRAIN_TIME: "10s" }, true);
    assert.equal(values.drainTime, 10_000);
    assert.match(notes[0] ?? "", /KUMA_DATAPLANE_DRAIN_TIME wins, as with kuma-dp$/);
  });

  test("equal values and empty variables give no note", () => {
    assert.deepEqual(read(["--drain-time=5s"], { KUMA_DATAPLANE_DRAIN_TIME: "5000ms" }).notes, []);
    assert.deepEqual(read(["--drain-time=5s"], { KUMA_DATAPLANE_DRAIN_TIME: "" }).notes, []);
  });

  test("a token is never shown", () => {
    const { notes } = read(["--dataplane-token=one"], { MONOMESH_DATAPLANE_RUNTIME_TOKEN: "two" });
    assert.equal(notes.length, 2);
    assert.doesNotMatch(notes.join(), /\b(one|two)\b/);
    assert.match(notes[1] ?? "", /everybody on this machine/);
  });

  test("an unknown MONOMESH_ variable is an error with the nearest, an unknown KUMA_ one a note", () => {
    const error = problem(() => read([], { MONOMESH_DATAPLANE_NAM: "x", MONOMESH_DEBUG: "1" }));
    assert.equal(error.code, "MM201");
    assert.deepEqual(error.violations, [
      { field: "variable MONOMESH_DATAPLANE_NAM", message: "names no setting. Nearest: MONOMESH_DATAPLANE_NAME" },
    ]);
    assert.match(read([], { KUMA_STORE_TYPE: "memory" }).notes[0] ?? "", /does not act on: KUMA_STORE_TYPE/);
    const ignored = read([], { MONOMESH_IGNORE_KUMA_ENV: "1", KUMA_DATAPLANE_NAME: "x", KUMA_STORE_TYPE: "x" });
    assert.deepEqual([ignored.notes, ignored.values.name], [[], ""]);
  });

  test("all wrong values at once, each with where it came from", () => {
    const error = problem(() => read(["--concurrency=many", "--proxy-type=ingress"], { KUMA_READINESS_PORT: "0" }));
    assert.deepEqual(error.violations.map((each) => each.field).sort(), [
      "flag --concurrency",
      "flag --proxy-type",
      "variable KUMA_READINESS_PORT",
    ]);
  });

  test("the other roles know the sidecar's variables", () => {
    assert.equal(isSidecarVariable("MONOMESH_DATAPLANE_NAME"), true);
    assert.equal(isSidecarVariable("KUMA_READINESS_PORT"), true);
    assert.equal(isSidecarVariable("MONOMESH_STORE_TYPE"), false);
  });
});

describe("what Kuma has and monomesh does not do yet", () => {
  const stops: [string, readonly string[], Env][] = [
    ["transparent proxying", ["--transparent-proxy"], {}],
    ["its file", ["--transparent-proxy-config=x"], {}],
    ["a zone ingress", ["--proxy-type=ingress"], {}],
    ["virtual outbounds", ["--bind-outbounds"], {}],
    ["TLS for metrics", ["--metrics-cert-path=x"], {}],
    ["the DNS proxy", [], { KUMA_DNS_PROXY_PORT: "15053" }],
    ["probes of Kubernetes", [], { KUMA_APPLICATION_PROBE_PROXY_PORT: "9000" }],
    ["SPIRE", [], { KUMA_DATAPLANE_RUNTIME_SPIRE_SUPPORTED: "true" }],
    ["a log file", ["--log-output-path=x"], {}],
  ];
  for (const [what, args, env] of stops) {
    test(`stops the start: ${what}`, () => {
      const error = problem(() => read(args, env));
      assert.equal(error.code, "MM201");
      assert.equal(error.violations.length, 1);
      assert.match(error.violations[0]?.message ?? "", /yet/);
    });
  }

  test("is accepted where it is harmless", () => {
    const { notes } = read(
      [
        "--dns-enabled=false",
        "--dns-coredns-port=15053",
        "--dns-coredns-path=coredns",
        "--transparent-proxy=false",
        "--proxy-type=dataplane",
      ],
      { KUMA_DNS_ENVOY_DNS_PORT: "15054", KUMA_DATAPLANE_RUNTIME_REUSE_PORT_ENABLED: "true", KUMA_DNS_PROXY_PORT: "0" },
    );
    assert.deepEqual(notes, []);
    assert.match(read(["--dns-enabled"]).notes[0] ?? "", /no DNS server/);
  });
});

test("old names of the work directory count, the present one most", () => {
  assert.equal(chosenWorkDir(read([]).values), undefined);
  assert.equal(chosenWorkDir(read(["--config-dir=/a"]).values), "/a");
  assert.equal(chosenWorkDir(read(["--config-dir=/a", "--work-dir=/b"]).values), "/b");
});

test("the help has examples, every visible flag, and fits a terminal", () => {
  const help = runHelp("monomesh dp");
  assert.match(help, /Examples:\n {2}monomesh dp run/);
  assert.match(help, /--dataplane-token-file FILE/);
  assert.match(runHelp("kuma-dp"), /a variable wins over a flag/);
  for (const line of help.split("\n")) assert.ok(line.length <= 120, line);
});
