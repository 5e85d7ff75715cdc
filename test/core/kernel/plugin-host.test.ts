import assert from "node:assert/strict";
import { test } from "node:test";
import { MeshError } from "../../../core/kernel/errors.ts";
import { silentLogger } from "../../../core/kernel/log.ts";
import { type Plugin, PluginHost } from "../../../core/kernel/plugin.ts";
import { Scope } from "../../../core/kernel/scope.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const FILE = "/etc/monomesh/mine.mjs";
const clock = new ManualClock();
const context = { scope: new Scope("test"), log: silentLogger, clock, workDir: "/nowhere" };
const anything = { "~standard": { version: 1, vendor: "test", validate: (value: unknown) => ({ value }) } } as const;

/** Makes an instance of a user's plugin with these parts. */
function create(parts: Partial<Plugin>, options: unknown = {}, placeOf?: (path: string) => string | undefined) {
  const host = new PluginHost();
  const plugin = { kind: "store", name: "mine", description: "Mine.", options: anything, create: () => ({}), ...parts };
  host.register([plugin as Plugin], FILE);
  return host.create("store", "mine", context, options, placeOf);
}

const fails = (text: RegExp) => (error: unknown) => {
  assert.ok(error instanceof MeshError, String(error));
  assert.deepEqual([error.code, error.where], ["MM801", FILE]);
  const violations = error.violations.map(({ field, message }) => `${field}: ${message}`);
  assert.match([error.message, error.why, ...violations].join("\n"), text);
  return true;
};

test("a user's plugin that throws, or makes nothing, is reported with its name and file", async () => {
  const boom = () => assert.fail("boom");
  await assert.rejects(create({ create: boom }), fails(/^the store plugin "mine" could not start\nboom/));
  await assert.rejects(create({ create: () => Promise.reject("a text") }), fails(/could not start\na text/));
  for (const nothing of [undefined, null, 7, "store"]) {
    await assert.rejects(create({ create: () => nothing }), fails(/is broken: its create returned/));
  }
  const options = { "~standard": { version: 1, vendor: "test", validate: boom } } as const;
  await assert.rejects(create({ options }), fails(/could not start\nboom/));
});

test("an error that a plugin words itself stays as it is", async () => {
  const refuse = () => Promise.reject(new MeshError("MM503", "the shelf is locked"));
  await assert.rejects(create({ create: refuse }), { code: "MM503", message: "the shelf is locked" });
});

test("a plugin that does not start is given up after 30 s", async () => {
  const waiting = create({ create: () => new Promise(() => undefined) });
  const outcome = assert.rejects(waiting, fails(/^the store plugin "mine" did not start within 30 s/));
  await clock.advance(29_999);
  await clock.advance(1);
  await outcome;
  assert.equal(clock.pending, 0);
});

test("a wrong option is named with the line it stands in", async () => {
  const validate = () => ({ issues: [{ message: "must be a path", path: ["shelf", { key: "file" }] }] });
  const options = { "~standard": { version: 1, vendor: "test", validate } } as const;
  const placeOf = (path: string) => (path === "shelf.file" ? "cp.yaml:7" : undefined);
  await assert.rejects(
    create({ options }, {}, placeOf),
    fails(/are not valid\n.*cp\.yaml:7 {2}shelf\.file: must be a path/s),
  );
});
