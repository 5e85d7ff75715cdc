import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { MeshError } from "../../../core/kernel/errors.ts";
import { loadSettings } from "../../../core/kernel/settings/load-settings.ts";
import { duration, monomeshVariable, oneOf, port, type Setting, text } from "../../../core/kernel/settings/setting.ts";
import { readSettingsFile } from "../../../core/kernel/settings/settings-file.ts";

const DP_PORT: Setting<number> = {
  path: "dpServer.port",
  type: port,
  default: 5678,
  kumaVariable: "KUMA_DP_SERVER_PORT",
  secret: false,
  description: "",
};
const IDLE: Setting<number> = {
  path: "metrics.dataplane.idleTimeout",
  type: duration,
  default: 300_000,
  kumaVariable: "KUMA_METRICS_DATAPLANE_IDLE_TIMEOUT",
  secret: false,
  description: "",
};
const STORE: Setting<string> = {
  path: "store.type",
  type: text,
  default: "sqlite",
  kumaVariable: "KUMA_STORE_TYPE",
  secret: false,
  description: "",
};
const MODE: Setting<"zone" | "standalone"> = {
  path: "mode",
  type: oneOf("zone", "standalone"),
  default: "zone",
  kumaVariable: "KUMA_MODE",
  secret: false,
  description: "",
};
const TABLE = [DP_PORT, IDLE, STORE, MODE] as unknown as readonly Setting[];

const load = (env: Record<string, string>, file: { path: string; value: unknown; place: string }[] = []) =>
  loadSettings(TABLE, {
    env,
    file,
    foreignVariable: (name) => name === "MONOMESH_DEBUG" || name === "MONOMESH_IGNORE_KUMA_ENV",
    kumaOnlyPaths: ["ipam"],
  });

function problemsOf(run: () => unknown): string[] {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof MeshError);
    assert.equal(error.code, "MM201");
    return error.violations.map((each) => `${each.field}: ${each.message}`);
  }
  return assert.fail("it was accepted");
}

describe("settings", () => {
  it("derives the variable from the path, without exceptions", () => {
    assert.equal(monomeshVariable("store.sqlite.path"), "MONOMESH_STORE_SQLITE_PATH");
    assert.equal(
      monomeshVariable("dpServer.hds.checkDefaults.noTrafficInterval"),
      "MONOMESH_DP_SERVER_HDS_CHECK_DEFAULTS_NO_TRAFFIC_INTERVAL",
    );
    assert.equal(monomeshVariable("general.dnsCacheTTL"), "MONOMESH_GENERAL_DNS_CACHE_TTL");
  });

  it("prefers MONOMESH_ over KUMA_ over the file over the default, and says when two differ", () => {
    const file = [{ path: "dpServer.port", value: 3, place: "cp.yaml:2" }];
    assert.equal(load({}).get(DP_PORT), 5678);
    assert.equal(load({}, file).get(DP_PORT), 3);
    assert.equal(load({ KUMA_DP_SERVER_PORT: "2" }, file).get(DP_PORT), 2);
    const all = load({ KUMA_DP_SERVER_PORT: "2", MONOMESH_DP_SERVER_PORT: "1" }, file);
    assert.equal(all.get(DP_PORT), 1);
    assert.match(
      all.notes.join("\n"),
      /MONOMESH_DP_SERVER_PORT and KUMA_DP_SERVER_PORT|variable MONOMESH_DP_SERVER_PORT wins/,
    );
    assert.equal(
      all.all.find((each) => each.setting.path === "dpServer.port")?.origin,
      "variable MONOMESH_DP_SERVER_PORT",
    );
  });

  it("leaves Kuma's variables alone when told to", () => {
    assert.equal(
      load({ KUMA_STORE_TYPE: "postgres", MONOMESH_IGNORE_KUMA_ENV: "1", MONOMESH_DEBUG: "1" }).get(STORE),
      "sqlite",
    );
  });

  it("reports all problems at once, with the nearest name", () => {
    const problems = problemsOf(() =>
      load({ MONOMESH_STORE_TYP: "x", KUMA_DP_SERVER_PORT: "70000" }, [
        { path: "mode", value: "global", place: "cp.yaml:1" },
        { path: "dpServer.prot", value: 1, place: "cp.yaml:3" },
      ]),
    );
    assert.deepEqual(problems, [
      'variable KUMA_DP_SERVER_PORT: dpServer.port takes a port number (0 to 65535), not "70000"',
      'cp.yaml:1: mode takes one of zone, standalone, not "global"',
      "cp.yaml:3: dpServer.prot is no setting. Nearest: dpServer.port",
      "variable MONOMESH_STORE_TYP: names no setting. Nearest: MONOMESH_STORE_TYPE",
    ]);
  });

  it("warns once of what Kuma has and we do not act on", () => {
    const { notes } = load({ KUMA_SOMETHING: "1" }, [
      { path: "ipam.meshService.cidr", value: "241.0.0.0/8", place: "cp.yaml:9" },
    ]);
    assert.equal(notes.length, 2);
    assert.match(notes.join("\n"), /ipam\.meshService\.cidr/);
    assert.match(notes.join("\n"), /KUMA_SOMETHING/);
  });

  it("reads durations in Go's syntax", () => {
    assert.equal(load({ KUMA_METRICS_DATAPLANE_IDLE_TIMEOUT: "1m30s" }).get(IDLE), 90_000);
    assert.equal(problemsOf(() => load({ KUMA_METRICS_DATAPLANE_IDLE_TIMEOUT: "5 minutes" })).length, 1);
    assert.equal(problemsOf(() => load({ KUMA_METRICS_DATAPLANE_IDLE_TIMEOUT: "" })).length, 1);
  });

  it("reads a file into paths with lines", async () => {
    const dir = mkdtempSync(join(tmpdir(), "settings-"));
    try {
      const file = join(dir, "cp.yaml");
      writeFileSync(file, "mode: zone\nstore:\n  # comment\n  type: memory\n");
      const entries = await readSettingsFile(file);
      assert.deepEqual(
        entries.map(({ path, value, place }) => [path, value, place.split(":").at(-1)]),
        [
          ["mode", "zone", "1"],
          ["store.type", "memory", "4"],
        ],
      );
      writeFileSync(file, "store:\n  type: [\n");
      await assert.rejects(
        readSettingsFile(file),
        (error: MeshError) => error.code === "MM201" && /cp\.yaml:\d/.test(error.where ?? ""),
      );
      await assert.rejects(readSettingsFile(join(dir, "none.yaml")), (error: MeshError) => error.code === "MM105");
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});
