import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openControlPlaneCa } from "../../../../core/ca/open-control-plane-ca.ts";
import { silentLogger } from "../../../../core/kernel/log.ts";
import { openTrust } from "../../../../core/sidecar/trust/open-trust.ts";
import { TokenBench } from "../../auth/token-fixtures.ts";
import { temporaryDirectory } from "../../ca/fixtures.ts";
import { serveTls } from "./servers.ts";

describe("a control plane and a sidecar", () => {
  it("find each other with nothing but a token, also through another control plane of the same store", async () => {
    await using bench = await new TokenBench().open();
    using one = temporaryDirectory();
    using two = temporaryDirectory();
    const { store, clock, scope } = bench;
    const open = (workDir: string) =>
      openControlPlaneCa({ store, clock, scope, workDir, hosts: [], log: silentLogger, machineHosts: () => ["vm-1"] });
    const [first, second] = [await open(one.path), await open(two.path)];
    bench.cpCa = first.publicKeyDigests;
    const token = await bench.issue();
    for (const ca of [first, second]) {
      await using server = await serveTls(ca.identity);
      const address = `https://127.0.0.1:${server.port}`;
      const signal = AbortSignal.timeout(20_000);
      const env = { SSL_CERT_FILE: "/nonexistent" };
      assert.equal((await openTrust({ address, token, signal, env })).kind, "token-claim");
      const caCert = first.certificate;
      await assert.rejects(
        openTrust({ address, caCert, token, signal, env }),
        { code: "MM320" },
        "vm-1 is not 127.0.0.1",
      );
    }
  });
});
