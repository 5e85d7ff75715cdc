import assert from "node:assert/strict";
import { test } from "node:test";
import { createGuardedAuthenticator } from "../../../core/auth/guarded-authenticator.ts";
import { MeshError } from "../../../core/kernel/errors.ts";
import { createLogger } from "../../../core/kernel/log.ts";
import { streamOf } from "../../../core/presence/contract/lifecycle-cases.ts";
import { createGuardedLifecycle, orderLifecycles } from "../../../core/presence/guarded-lifecycle.ts";
import type { Lifecycle } from "../../../core/presence/lifecycle.ts";
import { createDirectLifecycle } from "../../../plugins/lifecycle-direct/direct.ts";
import { createIndirectLifecycle } from "../../../plugins/lifecycle-indirect/indirect.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const lines: string[] = [];
const clock = new ManualClock();
const log = createLogger({ write: (_level, _event, text) => lines.push(text) });
const options = (kind: string) => ({ kind, name: "mine", file: "/etc/mine.mjs", clock, log });
const code = (wanted: string, text: RegExp) => (error: unknown) =>
  error instanceof MeshError && error.code === wanted && text.test(error.message);
const dataplane = { type: "Dataplane", mesh: "default", name: "web-1", labels: {}, spec: {} };

test("only an authenticator that resolves to nothing lets a proxy in", async () => {
  const ask = (authenticate: () => unknown) =>
    createGuardedAuthenticator({ authenticate: authenticate as never }, options("auth")).authenticate("x", dataplane);
  await ask(async () => undefined);
  for (const answer of [false, true, null, { ok: true }]) {
    await assert.rejects(
      ask(async () => answer),
      code("MM801", /the auth plugin "mine" broke its contract: authenticate/),
    );
  }
  await assert.rejects(
    ask(() => {
      throw new RangeError("boom");
    }),
    code("MM500", /"mine" failed in authenticate: boom/),
  );
  await assert.rejects(
    ask(async () => {
      throw new MeshError("MM310", "wrong password");
    }),
    code("MM310", /wrong password/),
  );
  const late = assert.rejects(
    ask(() => new Promise(() => undefined)),
    code("MM503", /did not answer authenticate/),
  );
  await clock.advance(30_000);
  await late;
});

const request = { stream: streamOf(), mesh: {} as never, existing: undefined, previous: undefined };
const lifecycle = (parts: Partial<Lifecycle>): Lifecycle =>
  createGuardedLifecycle({ ...createDirectLifecycle(), ...parts }, options("lifecycle"));

test("a lifecycle that cannot be told keeps the Dataplane and serves nobody", () => {
  for (const broken of [() => undefined, () => "perhaps", () => assert.fail("boom")] as (() => never)[]) {
    lines.length = 0;
    assert.equal(lifecycle({ accepts: broken }).accepts(request.stream), false);
    assert.equal(lifecycle({ afterLeave: broken }).afterLeave({ ownsDataplane: true } as never), "keep");
    assert.equal(lines.length, 2, lines.join("\n"));
    for (const line of lines) assert.match(line, /^the lifecycle plugin "mine" broke its contract/);
  }
});

test("an admission of another proxy, or of none, is refused", async () => {
  for (const admission of [
    undefined,
    {},
    { dataplane: { ...dataplane, name: "web-2" }, ownsDataplane: true },
    { dataplane },
  ]) {
    const admit = async () => admission as never;
    await assert.rejects(
      lifecycle({ admit }).admit(request),
      code("MM801", /the lifecycle plugin "mine" broke its contract/),
    );
  }
});

test("a user's lifecycle is asked first, and a built-in one serves only what it leaves", () => {
  const mine = lifecycle({ accepts: (stream) => stream.definition?.labels["mine"] === "yes" });
  const ordered = orderLifecycles([mine], [createDirectLifecycle(), createIndirectLifecycle()]);
  const definition = { ...dataplane, labels: { mine: "yes" } };
  const serving = (stream: typeof request.stream) =>
    ordered.filter((each) => each.accepts(stream)).map((each) => each.name);
  assert.deepEqual(serving(streamOf({ definition })), ["mine"]);
  assert.deepEqual(serving(streamOf()), ["direct"]);
  assert.deepEqual(serving(streamOf({ definition: undefined })), ["indirect"]);
});
