import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { loadCpSettings } from "../../../cmd/cp/load-cp-settings.ts";
import { checkPluginOptions, pluginOptions } from "../../../cmd/cp/plugin-options.ts";
import { SETTINGS } from "../../../cmd/cp/settings-table.ts";
import { MeshError } from "../../../core/kernel/errors.ts";
import { type Plugin, PluginHost } from "../../../core/kernel/plugin.ts";
import { createTestIo } from "../../support/io.ts";

const plugin = (kind: string, name: string) => ({ kind, name }) as Plugin;

/** The settings of a file with this text, and the directory it is in. */
async function settingsOf(t: TestContext, text: string, env: Record<string, string> = {}) {
  const dir = mkdtempSync(join(tmpdir(), "plugin-options-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  writeFileSync(join(dir, "cp.yaml"), text);
  return { dir, settings: await loadCpSettings(createTestIo("monomesh", { env }), join(dir, "cp.yaml")) };
}

test("what the file says below a plugin's name are its options, with their lines", async (t) => {
  const { dir, settings } = await settingsOf(
    t,
    `plugins: [./shelf.mjs, /opt/other.mjs]
store:
  type: shelf
  shelf:
    path: /shelf
    deep:
      a.b: [1, two]
dpServer: { authn: { dpProxy: { type: door, door: { key: x } } } }
lifecycle: { shelf: { days: 3 } }
`,
  );
  assert.deepEqual(settings.get(SETTINGS.plugins), [join(dir, "shelf.mjs"), "/opt/other.mjs"]);
  assert.equal(settings.get(SETTINGS.dpAuthType), "door");
  const { value, placeOf } = pluginOptions(settings, "store", "shelf");
  assert.deepEqual(value, { path: "/shelf", deep: { "a.b": [1, "two"] } });
  const line = (path: string) => placeOf(path)?.split(":").at(-1);
  assert.deepEqual([line("path"), line("deep"), line("deep.a.b"), line("missing")], ["5", "7", "7", undefined]);
  assert.deepEqual(pluginOptions(settings, "auth", "door").value, { key: "x" });
  assert.deepEqual(pluginOptions(settings, "lifecycle", "shelf").value, { days: 3 });
  assert.deepEqual(pluginOptions(settings, "policy", "shelf").value, {});
});

test("options of plugins that are not loaded are refused, since a mistyped setting looks like them", async (t) => {
  const { settings } = await settingsOf(t, "store:\n  sqlit:\n    path: /x\n  shelf:\n    path: /y\n");
  const host = new PluginHost();
  host.register([plugin("store", "shelf")]);
  assert.throws(
    () => checkPluginOptions(settings, host),
    (error) => {
      assert.ok(error instanceof MeshError && error.code === "MM201");
      assert.equal(error.violations.length, 1);
      assert.match(error.violations[0]?.field ?? "", /cp\.yaml:3$/);
      assert.match(
        error.violations[0]?.message ?? "",
        /store\.sqlit\.path is no setting\. Nearest: store\.sqlite\.path/,
      );
      return true;
    },
  );
});

test("what belongs to built-in stores and to nobody is refused at once", async (t) => {
  await assert.rejects(settingsOf(t, "store: { sqlite: { pth: /x } }"), /the configuration has a problem/);
  await assert.rejects(settingsOf(t, "stor: { shelf: { path: /x } }"), /the configuration has a problem/);
});

test("plugin files in a variable start at the working directory", async (t) => {
  const { settings } = await settingsOf(t, "mode: zone\n", { MONOMESH_PLUGINS: "./a.mjs, /b.mjs" });
  assert.deepEqual(settings.get(SETTINGS.plugins), ["./a.mjs", "/b.mjs"]);
});
