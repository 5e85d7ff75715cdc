import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { cannotPlay, play, WEB_1 } from "../support/play.ts";

const ROOT = join(import.meta.dirname, "../..");

/** The commands of a section of docs/plugins.md, as a user would copy them. */
function commands(section: string): string[] {
  const text = readFileSync(join(ROOT, "docs/plugins.md"), "utf8");
  const part = text.split(/^## /m).find((each) => each.startsWith(section)) ?? "";
  const block = /(?:^ {4}monomesh.*\n)+/m.exec(part)?.[0] ?? "";
  return block.trim().split(/\n */);
}

describe("a store of one's own", { skip: cannotPlay }, () => {
  it("runs a control plane after the commands of docs/plugins.md, and keeps what it was told over a kill -9", (test) => {
    const steps = commands("A store of your own");
    assert.ok(steps.length < 5, "under five commands");
    const [make = "", check = "", start = "", look = ""] = steps;
    assert.match(make, /^monomesh plugin new store /);
    assert.match(check, /^monomesh plugin test /);
    assert.match(start, /^monomesh cp run /);
    const { out } = play(test, [
      make,
      check,
      `${start} >cp.log 2>&1 & cp=$!`,
      "ready",
      look,
      WEB_1,
      "monomesh apply -f web-1.yaml",
      "kill -9 $cp; wait $cp || true",
      `${start} >cp.log 2>&1 & cp=$!`,
      "ready",
      "monomesh get dataplanes -o name",
      "monomesh delete dataplane web-1",
      "kill $cp; wait $cp",
    ]);
    assert.match(out, /\n[1-9]\d+ passed, 0 failed\n/);
    assert.match(out, /\ndefault /, "the mesh that get meshes shows");
    assert.match(out, /\ndataplanes\/web-1\n/);
  });

  it("over YAML files shows each resource as a file, and a mistake in it stops the next start with its name", (test) => {
    const { out, err } = play(test, [
      `cp -r ${join(ROOT, "docs/samples/yaml-store")} yaml-store`,
      "monomesh cp run -c yaml-store/cp.yaml >cp.log 2>&1 & cp=$!",
      "ready",
      WEB_1,
      "monomesh apply -f web-1.yaml",
      "cat work/resources/Dataplane/web-1@default.yaml",
      "kill $cp; wait $cp",
      "sed -i 's/version: 1/version: none/' work/resources/Dataplane/web-1@default.yaml",
      "! monomesh cp run -c yaml-store/cp.yaml",
    ]);
    assert.match(out, /\ntype: Dataplane\nmesh: default\nname: web-1\n.*address: 192\.168\.0\.1/s);
    assert.match(
      err,
      /error: the store gave back a resource that cannot be: Dataplane "web-1" of mesh "default" +MM500/,
    );
  });
});
