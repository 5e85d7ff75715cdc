import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ProxyAuthenticator } from "../../../core/auth/authenticator.ts";
import { createLogger } from "../../../core/kernel/log.ts";
import { PluginHost } from "../../../core/kernel/plugin.ts";
import { noAuthenticationPlugin } from "../../../plugins/auth-none/plugin.ts";
import { dataplane, TokenBench } from "../../core/auth/token-fixtures.ts";

describe("no authentication", () => {
  it("lets everybody in, and says so when the control plane starts", async () => {
    await using bench = new TokenBench();
    const lines: string[] = [];
    const log = createLogger({ write: (level, _event, text) => lines.push(`${level} ${text}`) });
    const host = new PluginHost();
    host.register([noAuthenticationPlugin] as never);
    const open = () => host.create<ProxyAuthenticator>("auth", "none", { ...bench.context, log }, {});
    const authenticator = await open();
    await authenticator.authenticate(undefined, dataplane("redis-1", []));
    await authenticator.authenticate("nonsense", dataplane("redis-1", []));
    assert.match(lines.join("\n"), /^warn every sidecar may join as any Dataplane/);
    await assert.rejects(host.create("auth", "none", bench.context, { type: "x" }), { code: "MM801" });
  });
});
