import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runCases } from "../../../core/kernel/contract.ts";
import { LIFECYCLE_CASES, streamOf } from "../../../core/presence/contract/lifecycle-cases.ts";
import type { Lifecycle } from "../../../core/presence/lifecycle.ts";
import { createDirectLifecycle } from "../../../plugins/lifecycle-direct/direct.ts";
import { createIndirectLifecycle } from "../../../plugins/lifecycle-indirect/indirect.ts";

for (const lifecycle of [createDirectLifecycle(), createIndirectLifecycle()]) {
  describe(`lifecycle contract: ${lifecycle.name}`, () => {
    for (const { name, run } of LIFECYCLE_CASES) it(name, async () => run({ lifecycle, streamOf }));
  });
}

const direct = createDirectLifecycle();
const BROKEN: readonly { readonly what: string; readonly broken: Partial<Lifecycle>; readonly finds: RegExp }[] = [
  {
    what: "does not say what it serves",
    broken: { accepts: () => undefined as never },
    finds: /^it says of every stream/,
  },
  {
    what: "takes over a stored Dataplane without asking",
    broken: {
      admit: async ({ stream, existing }) => ({
        dataplane: stream.definition ?? (existing as never),
        ownsDataplane: true,
      }),
    },
    finds: /^a stored Dataplane is changed only/,
  },
  {
    what: "brings whatever it is given into being",
    broken: { admit: async ({ stream }) => ({ dataplane: stream.definition as never, ownsDataplane: true }) },
    finds: /^it brings no Dataplane of another proxy/,
  },
  {
    what: "admits with half an answer",
    broken: { admit: async (request) => ({ dataplane: (await direct.admit(request)).dataplane }) as never },
    finds: /^it admits a proxy/,
  },
  { what: "deletes what users made", broken: { afterLeave: () => "delete" }, finds: /^after a leave/ },
];

for (const { what, broken, finds } of BROKEN) {
  it(`the lifecycle contract finds one that ${what}`, async () => {
    const lifecycle = { ...direct, ...broken };
    const run = async (each: (typeof LIFECYCLE_CASES)[number]) => each.run({ lifecycle, streamOf });
    const failed: string[] = [];
    for await (const { name, result } of runCases(LIFECYCLE_CASES, { run }, new AbortController().signal)) {
      if (result === "failed") failed.push(name);
    }
    assert.ok(
      failed.some((name) => finds.test(name)),
      failed.join("\n"),
    );
  });
}
