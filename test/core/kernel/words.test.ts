import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatDuration, parseDuration } from "../../../core/kernel/duration.ts";
import { ERROR_TABLE } from "../../../core/kernel/error-table.ts";
import { MeshError, toMeshError } from "../../../core/kernel/errors.ts";
import { nearest } from "../../../core/kernel/nearest.ts";
import { definePlugin, type PluginContext, PluginHost } from "../../../core/kernel/plugin.ts";

describe("durations", () => {
  for (const [text, ms] of [
    ["1h30m", 5_400_000],
    ["250ms", 250],
    ["0", 0],
    ["1.5s", 1500],
    ["5s", 5000],
    ["-1m", -60_000],
    ["72h", 259_200_000],
  ] as const) {
    it(`reads ${text}`, () => assert.equal(parseDuration(text), ms));
  }
  for (const text of ["", "5", "s", "5 s", "1d", "1h-", "--1s"]) {
    it(`refuses "${text}"`, () => assert.equal(parseDuration(text), undefined));
  }
  it("writes what a person would say", () => {
    assert.deepEqual([0, 250, 1500, 30_000, 130_000, 86_400_000].map(formatDuration), [
      "0ms",
      "250ms",
      "1.5s",
      "30s",
      "2m10s",
      "24h",
    ]);
  });
});

describe("nearest", () => {
  it("finds slips, swaps included, and nothing far away", () => {
    assert.equal(nearest("servicePrt", ["port", "servicePort", "tags"]), "servicePort");
    assert.equal(nearest("nmae", ["mesh", "name"]), "name");
    assert.equal(nearest("xyzzy", ["mesh", "name"]), undefined);
  });
});

describe("errors", () => {
  it("take status and exit code from the table", () => {
    const error = new MeshError("MM101", "x");
    assert.equal(error.exitCode, 64);
    assert.equal(new MeshError("MM404", "x").httpStatus, 404);
    assert.equal(toMeshError("text").code, "MM900");
  });
  it("are all explained in a sentence", () => {
    for (const [code, row] of Object.entries(ERROR_TABLE)) {
      assert.match(code, /^MM\d{3}$/);
      assert.ok(row.title.length > 3 && row.explain.endsWith("."), code);
      assert.ok(row.http >= 400 && row.exit >= 1, code);
    }
  });
});

describe("plugin host", () => {
  const plugin = definePlugin<{ path: string }, { path: string }>({
    kind: "store",
    name: "sample",
    description: "A sample.",
    options: {
      "~standard": {
        version: 1,
        vendor: "test",
        validate: (value) => {
          const path = (value as { path?: unknown }).path;
          return typeof path === "string"
            ? { value: { path } }
            : { issues: [{ message: "is required", path: ["path"] }] };
        },
      },
    },
    create: (_context, options) => options,
  });
  const host = new PluginHost();
  host.register([plugin] as never);

  it("makes an instance with validated options", async () => {
    assert.deepEqual(await host.create("store", "sample", {} as PluginContext, { path: "x" }), { path: "x" });
  });
  it("names plugin and option when an option is wrong", async () => {
    await assert.rejects(
      host.create("store", "sample", {} as PluginContext, {}),
      (error: MeshError) =>
        error.code === "MM801" && error.violations[0]?.field === "path" && /sample/.test(error.message),
    );
  });
  it("lists what there is when the name is unknown, and refuses a second of the same name", () => {
    assert.throws(
      () => host.get("store", "nope"),
      (error: MeshError) => /sample/.test(error.todo ?? ""),
    );
    assert.throws(
      () => host.register([plugin] as never),
      (error: MeshError) => error.code === "MM801",
    );
  });
});
