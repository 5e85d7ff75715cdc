import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ProxyAuthenticator } from "../../../core/auth/authenticator.ts";
import { AUTH_CASES } from "../../../core/auth/contract/auth-cases.ts";
import { runCases } from "../../../core/kernel/contract.ts";
import { MeshError } from "../../../core/kernel/errors.ts";
import { PluginHost } from "../../../core/kernel/plugin.ts";
import { controlPlanePlugins } from "../../../plugins/builtins.ts";
import { TokenBench } from "../../core/auth/token-fixtures.ts";

const host = new PluginHost();
host.register(controlPlanePlugins);

for (const { plugin } of host.list("auth")) {
  describe(`auth contract: ${plugin.name}`, () => {
    for (const { name, run } of AUTH_CASES) {
      it(name, async () => {
        await using bench = await new TokenBench().open();
        await run({ authenticator: await host.create("auth", plugin.name, bench.context, {}) });
      });
    }
  });
}

const BROKEN: readonly {
  readonly what: string;
  readonly authenticate: ProxyAuthenticator["authenticate"];
  readonly finds: RegExp;
}[] = [
  { what: "answers with a truth value", authenticate: async () => true as never, finds: /^every credential/ },
  {
    what: "throws what is no MeshError",
    authenticate: async () => Promise.reject(new Error("no")),
    finds: /^every credential/,
  },
  {
    what: "repeats the credential",
    authenticate: async (credential) => Promise.reject(new MeshError("MM310", `bad token ${credential}`)),
    finds: /^every credential/,
  },
  {
    what: "refuses what is stored",
    authenticate: async (_credential, dataplane) => {
      if ("version" in dataplane) throw new MeshError("MM310", "unknown");
    },
    finds: /as it is presented and as it is stored/,
  },
  {
    what: "changes its mind",
    authenticate: (() => {
      let asked = 0;
      return async () => {
        if (asked++ % 2 === 0) throw new MeshError("MM310", "not now");
      };
    })(),
    finds: /^the same question/,
  },
];

for (const { what, authenticate, finds } of BROKEN) {
  it(`the auth contract finds one that ${what}`, async () => {
    const run = (each: (typeof AUTH_CASES)[number]) => Promise.resolve(each.run({ authenticator: { authenticate } }));
    const failed: string[] = [];
    for await (const { name, result } of runCases(AUTH_CASES, { run }, new AbortController().signal)) {
      if (result === "failed") failed.push(name);
    }
    assert.ok(
      failed.some((name) => finds.test(name)),
      failed.join("\n"),
    );
  });
}
