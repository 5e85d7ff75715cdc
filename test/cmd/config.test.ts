import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { configDocument, loadCpSettings } from "../../cmd/cp/load-cp-settings.ts";
import { SETTING_LIST } from "../../cmd/cp/settings-table.ts";
import { runCtl } from "../../cmd/ctl/run-ctl.ts";
import { monomeshVariable } from "../../core/kernel/settings/setting.ts";
import { createTestIo } from "../support/io.ts";

describe("configuration of the control plane", () => {
  it("shows what is set and where it came from, in the words of the file", async (test) => {
    const dir = mkdtempSync(join(tmpdir(), "config-"));
    test.after(() => rmSync(dir, { recursive: true }));
    const file = join(dir, "cp.yaml");
    writeFileSync(file, "metrics:\n  dataplane:\n    idleTimeout: 90s\n");
    const io = createTestIo("monomesh", { env: { KUMA_STORE_TYPE: "memory", HOME: dir } });
    assert.equal(await runCtl(["config", "show", "--origin", "-c", file], io), 0);
    assert.deepEqual(
      io.out().trim().split("\n").sort(),
      [`${file}:3\tmetrics.dataplane.idleTimeout="1m30s"`, 'variable KUMA_STORE_TYPE\tstore.type="memory"'].sort(),
    );
    const document = configDocument(await loadCpSettings(io, file)) as {
      metrics: { dataplane: unknown };
      origins: unknown;
    };
    assert.deepEqual(document.metrics.dataplane, { subscriptionLimit: 2, idleTimeout: "1m30s" });
    assert.deepEqual(document.origins, {
      "store.type": "variable KUMA_STORE_TYPE",
      "metrics.dataplane.idleTimeout": `${file}:3`,
    });
  });

  it("has one variable a setting", () => {
    const names = SETTING_LIST.flatMap((setting) => [
      monomeshVariable(setting.path),
      setting.kumaVariable ?? setting.path,
    ]);
    assert.equal(new Set(names).size, names.length);
  });

  it("takes back what it shows", () => {
    for (const { type, default: value } of SETTING_LIST) {
      const shown = type.toYaml ? type.toYaml(value) : value;
      assert.deepEqual(type.fromYaml(shown), value);
    }
  });
});
