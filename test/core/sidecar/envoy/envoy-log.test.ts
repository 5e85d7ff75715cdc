import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createLineSplitter, parseEnvoyLine, worthShowing } from "../../../../core/sidecar/envoy/envoy-log.ts";
import { envoyArguments } from "../../../../core/sidecar/envoy/envoy-process.ts";

const line = (level: string, message: string) =>
  `[2026-11-24 01:31:38.855][21179][${level}][main] [source/server/server.cc:1059] ${message}`;

describe("Envoy's log", () => {
  test("is taken apart", () => {
    assert.deepEqual(parseEnvoyLine(line("warning", "a [b] c")), { level: "warning", message: "a [b] c" });
    assert.equal(parseEnvoyLine("  at some place"), undefined);
  });

  const cases: [string, string, boolean][] = [
    ["warning", "gRPC config for type.googleapis.com/envoy.config.listener.v3.Listener rejected: cannot bind", true],
    ["critical", "error initializing configuration", true],
    ["info", "all dependencies initialized. starting workers", false],
    ["warning", "StreamAggregatedResources gRPC config stream to ads_cluster closed: 14, x", false],
    ["warning", "There is no configured limit to the number of allowed active downstream connections.", false],
    ["critical", "#3: [0x55ce1855f22e]", false],
  ];
  for (const [level, message, shown] of cases) {
    test(`${shown ? "shows" : "keeps quiet"}: ${message.slice(0, 50)}`, () =>
      assert.equal(worthShowing({ level, message }), shown));
  }

  test("is split into lines however it arrives", () => {
    const lines: string[] = [];
    const splitter = createLineSplitter((each) => lines.push(each));
    for (const chunk of ["a", "b\nc\n\n", "d"]) splitter.push(chunk);
    splitter.end();
    assert.deepEqual(lines, ["ab", "c", "d"]);
  });
});

test("Envoy's command line is Kuma's", () => {
  const command = {
    binary: "envoy",
    config: "/w/bootstrap.json",
    drainTime: 30_000,
    logLevel: "",
    componentLogLevel: "",
    concurrency: 0,
    env: {},
  };
  assert.deepEqual(envoyArguments(command), [
    ...[
      "--config-path",
      "/w/bootstrap.json",
      "--drain-time-s",
      "30",
      "--drain-strategy",
      "immediate",
      "--disable-hot-restart",
    ],
    ...["--log-level", "warning", "--cpuset-threads"],
  ]);
  const other = envoyArguments({
    ...command,
    drainTime: 100,
    logLevel: "warn",
    componentLogLevel: "upstream:debug",
    concurrency: 2,
  });
  assert.deepEqual(other.slice(2), [
    ...["--drain-time-s", "1", "--drain-strategy", "immediate", "--disable-hot-restart"],
    ...["--log-level", "warning", "--component-log-level", "upstream:debug", "--concurrency", "2"],
  ]);
});
