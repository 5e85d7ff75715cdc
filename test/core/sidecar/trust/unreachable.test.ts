import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ErrorCode } from "../../../../core/kernel/error-table.ts";
import type { MeshError } from "../../../../core/kernel/errors.ts";
import { parseAddress } from "../../../../core/sidecar/trust/address.ts";
import { openTrust, type TrustOptions } from "../../../../core/sidecar/trust/open-trust.ts";
import { makeCa, makeServer } from "../../ca/fixtures.ts";
import { serveHttp, serveRaw, serveTls } from "./servers.ts";

const KUMA = '{"hostname":"x","product":"Kuma","version":"2.14.3","instanceId":"x","clusterId":"x"}';

async function problem(
  address: string,
  more: Partial<TrustOptions> = {},
): Promise<MeshError & { readonly text: string }> {
  const options = { address, signal: AbortSignal.timeout(20_000), env: { SSL_CERT_FILE: "/nonexistent" }, ...more };
  const error = await openTrust(options).then(
    () => assert.fail("was reached"),
    (thrown: MeshError) => thrown,
  );
  return Object.assign(error, { text: [error.message, error.why, error.todo].join("\n") });
}

function expect(error: MeshError & { readonly text: string }, code: ErrorCode, text: RegExp): void {
  assert.equal(error.code, code, error.stack);
  assert.match(error.text, text);
}

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  await using server = await serveRaw((socket) => socket.destroy());
  return server.port;
}

describe("a control plane that cannot be reached", () => {
  it("behind a closed port", async () => {
    const port = await freePort();
    expect(await problem(`https://127.0.0.1:${port}`), "MM120", new RegExp(`nothing listens at 127.0.0.1:${port}`));
  });

  it("with the REST API beside it, which tells a wrong port from a machine that is down", async () => {
    await using api = await serveHttp(KUMA);
    const port = await freePort();
    const refused = await problem(`https://127.0.0.1:${port}`, { apiPort: api.port });
    expect(refused, "MM120", new RegExp(`REST API answers at 127.0.0.1:${api.port}.*\n.*dpServer\\.port`));
    await using silent = await serveRaw(() => undefined);
    const timedOut = await problem(`https://127.0.0.1:${silent.port}`, { apiPort: api.port, timeoutMs: 200 });
    expect(
      timedOut,
      "MM120",
      new RegExp(`no answer from 127.0.0.1:${silent.port} in 0.2 s, but from 127.0.0.1:${api.port}: a firewall`),
    );
  });

  it("that does not answer, within the time", async () => {
    await using silent = await serveRaw(() => undefined);
    const port = await freePort();
    const start = performance.now();
    expect(
      await problem(`https://127.0.0.1:${silent.port}`, { timeoutMs: 300, apiPort: port }),
      "MM120",
      /no answer from .* in 0.3 s/,
    );
    assert.ok(performance.now() - start < 2000);
  });

  it("with a name that nobody knows", async () => {
    expect(await problem("https://control-plane.invalid:5678"), "MM120", /the name control-plane\.invalid/);
  });

  it("ends at once when the user gives up", async () => {
    await using silent = await serveRaw(() => undefined);
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 50);
    const attempt = openTrust({ address: `https://127.0.0.1:${silent.port}`, signal: controller.signal });
    await assert.rejects(attempt, { name: "AbortError" });
    await assert.rejects(openTrust({ address: `https://127.0.0.1:${silent.port}`, signal: controller.signal }), {
      name: "AbortError",
    });
  });
});

describe("an address of something else", () => {
  it("that is the REST API: the right port is named", async () => {
    await using api = await serveHttp(KUMA);
    const error = await problem(`https://127.0.0.1:${api.port}`);
    expect(error, "MM121", /is the control plane's REST API, without TLS/);
    assert.match(error.text, /--cp-address=https:\/\/127\.0\.0\.1:5678/);
  });

  it("that speaks HTTP, or nothing known, or hangs up", async () => {
    await using web = await serveHttp("hello");
    expect(await problem(`https://127.0.0.1:${web.port}`), "MM121", /speaks HTTP without TLS/);
    await using smtp = await serveRaw((socket) => socket.end("220 mail.example ESMTP\r\n"));
    expect(await problem(`https://127.0.0.1:${smtp.port}`), "MM121", /does not speak TLS as a control plane does/);
    await using closing = await serveRaw((socket) => socket.destroy());
    expect(await problem(`https://127.0.0.1:${closing.port}`), "MM121", /does not speak TLS/);
  });

  it("that hangs up when it is verified is not called untrusted", async () => {
    const ca = makeCa();
    const identity = makeServer(ca);
    await using server = await serveTls(identity);
    const error = await problem(`https://127.0.0.1:${server.port}`, { caCert: makeCa().certificate.toString() });
    assert.equal(error.code, "MM320");
  });
});

describe("the control plane's address", () => {
  it("is an https URL with names, IPv4 and IPv6", () => {
    assert.deepEqual(parseAddress("https://cp.example:5678/ignored"), {
      host: "cp.example",
      port: 5678,
      text: "cp.example:5678",
    });
    assert.deepEqual(parseAddress("https://[::1]:5678"), { host: "::1", port: 5678, text: "[::1]:5678" });
    assert.equal(parseAddress("https://10.0.0.11").port, 443);
  });

  it("is refused with the right one where it can be guessed", () => {
    const refused = (address: string) => {
      try {
        parseAddress(address);
        return "";
      } catch (error) {
        assert.equal((error as MeshError).code, "MM100");
        return `${(error as MeshError).message} ${(error as MeshError).todo}`;
      }
    };
    assert.match(refused("http://10.0.0.11:5678"), /--cp-address=https:\/\/10\.0\.0\.11:5678/);
    for (const address of ["", "10.0.0.11", "10.0.0.11:5678", "localhost:5678", "ftp://x", "https://"]) {
      assert.match(refused(address), /no https URL/, address);
    }
  });
});
