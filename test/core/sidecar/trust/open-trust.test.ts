import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { request } from "node:https";
import { join } from "node:path";
import { describe, it } from "node:test";
import { connect } from "node:tls";
import { createSigningCa, type SigningCa } from "../../../../core/ca/issue-certificate.ts";
import { publicKeyDigest } from "../../../../core/ca/pem.ts";
import type { MeshError } from "../../../../core/kernel/errors.ts";
import { openTrust, type Trust, type TrustOptions } from "../../../../core/sidecar/trust/open-trust.ts";
import { DAY_MS, makeCa, makeKumaFiles, makeServer, temporaryDirectory } from "../../ca/fixtures.ts";
import { serveTls, type TestServer, tokenWith } from "./servers.ts";

/** No certificate of this machine counts unless a test says so. */
const EMPTY_STORE = { SSL_CERT_FILE: "/nonexistent" };
const digestOf = (ca: SigningCa) => publicKeyDigest(ca.certificate.publicKey);

function open(port: number, more: Partial<TrustOptions> = {}): Promise<Trust> {
  return openTrust({
    address: `https://127.0.0.1:${port}`,
    signal: AbortSignal.timeout(20_000),
    env: EMPTY_STORE,
    ...more,
  });
}

async function refusal(attempt: Promise<Trust>): Promise<MeshError & { readonly text: string }> {
  const error = await attempt.then(
    (trust) => assert.fail(`was trusted: ${trust.kind}`),
    (thrown: MeshError) => thrown,
  );
  assert.equal(error.code, "MM320", error.stack);
  return Object.assign(error, { text: [error.message, error.where, error.why, error.todo].join("\n") });
}

/** Whether later connections with these options accept the server. */
function accepts(trust: Trust, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port, ...trust.tlsOptions });
    socket.once("secureConnect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

function assertNothingSent(server: TestServer): void {
  assert.equal(Buffer.concat(server.received).length, 0, "the sidecar sent something to a server it does not trust");
}

describe("trust by the digest in the token", () => {
  const ca = makeCa("control plane CA");

  it("knows the control plane's CA under any name, and says so", async () => {
    const identity = makeServer(ca, { hosts: ["some.other.name"] });
    await using server = await serveTls(identity);
    const trust = await open(server.port, { token: tokenWith(["00".repeat(32), digestOf(ca)]) });
    assert.equal(trust.kind, "token-claim");
    assert.match(trust.describe(), /verified by the CA digest in the token/);
    assert.equal(trust.caPem, ca.certificate.toString());
    assert.ok(await accepts(trust, server.port));
    while (server.handshakes() < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    assertNothingSent(server);
  });

  it("works for https and http2 with the same options", async () => {
    const identity = makeServer(ca, { hosts: ["some.other.name"] });
    await using server = await serveTls(identity);
    const { tlsOptions } = await open(server.port, { token: tokenWith([digestOf(ca)]) });
    const session = connectHttp2(`https://127.0.0.1:${server.port}`, { ...tlsOptions, ALPNProtocols: [] });
    const preface = await new Promise((resolve) => {
      session.on("error", (error) => resolve(error.message));
      session.on("connect", (_session, socket) => resolve((socket as { authorized?: boolean }).authorized));
    });
    session.destroy();
    assert.ok(preface === true || /ALPN|protocol/i.test(String(preface)), String(preface));
    const call = request({ host: "127.0.0.1", port: server.port, ...tlsOptions });
    call.on("error", () => undefined);
    const authorized = await new Promise((resolve) => {
      call.on("socket", (socket) =>
        socket.on("secureConnect", () => resolve((socket as { authorized?: boolean }).authorized)),
      );
      call.end();
    });
    assert.equal(authorized, true);
    call.destroy();
  });

  it("knows a server by its own key too, signed by itself or by somebody", async () => {
    using directory = temporaryDirectory();
    const kuma = makeKumaFiles(directory.path);
    await using selfSigned = await serveTls({ chain: kuma.certificatePem, key: kuma.keyPem });
    const token = tokenWith([publicKeyDigest(kuma.certificate.publicKey)]);
    const trust = await open(selfSigned.port, { token });
    assert.equal(trust.kind, "token-claim");
    assert.equal(trust.caPem, kuma.certificatePem);

    const corporate = makeServer(ca, { hosts: ["cp.example"], alone: true });
    await using given = await serveTls(corporate);
    const pinned = await open(given.port, { token: tokenWith([publicKeyDigest(corporate.leaf.publicKey)]) });
    assert.equal(pinned.kind, "token-claim");
    assert.equal(pinned.caPem, "", "a certificate that is no CA is not named as one");
  });

  it("keeps knowing it after a restart with a new certificate of the same CA, and nobody else", async () => {
    await using server = await serveTls(makeServer(ca));
    const trust = await open(server.port, { token: tokenWith([digestOf(ca)]) });
    server.use(makeServer(ca));
    assert.ok(await accepts(trust, server.port));
    server.use(makeServer(makeCa("control plane CA")));
    assert.ok(!(await accepts(trust, server.port)));
  });

  it("refuses somebody in between with another key, telling both keys", async () => {
    const impostor = makeCa("control plane CA");
    const identity = makeServer(impostor);
    await using server = await serveTls(identity);
    const { text } = await refusal(open(server.port, { token: tokenWith([digestOf(ca)]) }));
    assert.match(text, /could not be verified\. Nothing was sent/);
    assert.ok(text.includes(digestOf(ca).slice(0, 16)), text);
    assert.ok(text.includes(digestOf(impostor).slice(0, 16)), text);
    for (const wayOut of ["--ca-cert-file PATH", "another token", "the system's store", "--skip-verify"]) {
      assert.ok(text.includes(wayOut), text);
    }
    assertNothingSent(server);
  });

  it("refuses somebody in between who shows the true CA behind a certificate that it did not sign", async () => {
    const impostor = makeCa("x");
    // Issued in the true CA's name, with its key identifier, but signed by another key.
    const inItsName = createSigningCa(ca.certificate, impostor.key);
    const forged = makeServer(inItsName);
    await using server = await serveTls({ ...forged, chain: `${forged.leaf}${ca.certificate}` });
    const { text } = await refusal(open(server.port, { token: tokenWith([digestOf(ca)]) }));
    assert.match(text, /token +the CA that it names did not sign it: somebody is in between/);
    assertNothingSent(server);

    const unrelated = makeServer(impostor);
    await using other = await serveTls({ ...unrelated, chain: `${unrelated.leaf}${ca.certificate}` });
    await refusal(open(other.port, { token: tokenWith([digestOf(ca)]) }));
    assertNothingSent(other);
  });

  it("says when the server shows its own certificate only", async () => {
    const identity = makeServer(ca, { alone: true });
    await using server = await serveTls(identity);
    const { text } = await refusal(open(server.port, { token: tokenWith([digestOf(ca)]) }));
    assert.match(text, /the server shows no CA beside its own certificate/);
  });

  it("does not accept what is not valid now", async () => {
    const now = Date.now();
    const expired = makeServer(ca, { notBefore: now - 3 * DAY_MS, notAfter: now - DAY_MS });
    const early = makeServer(ca, { notBefore: now + DAY_MS, notAfter: now + 2 * DAY_MS });
    for (const identity of [expired, early]) {
      await using server = await serveTls(identity);
      const { text } = await refusal(open(server.port, { token: tokenWith([digestOf(ca)]) }));
      assert.match(text, /the certificate of "server" is valid from .* to .*, here it is \d{4}-/);
      assert.match(text, /the clocks/);
    }
  });

  it("needs a claim: a token of Kuma, a damaged claim and no token at all say so", async () => {
    const identity = makeServer(ca);
    await using server = await serveTls(identity);
    for (const token of [
      undefined,
      "",
      "no token",
      tokenWith(undefined),
      tokenWith([]),
      tokenWith([digestOf(ca).toUpperCase()]),
    ]) {
      const { text } = await refusal(open(server.port, { token }));
      assert.match(text, token ? /token +it carries no digest/ : /token +none was given/);
    }
    assertNothingSent(server);
  });
});

describe("trust by a given CA", () => {
  const ca = makeCa("corporate");

  it("demands the CA and the name", async () => {
    const identity = makeServer(ca, { hosts: ["127.0.0.1"] });
    await using server = await serveTls(identity);
    const trust = await open(server.port, { caCert: `# a comment\n${ca.certificate}` });
    assert.equal(trust.kind, "given-ca");
    assert.equal(trust.caPem.trim(), ca.certificate.toString().trim());
    assert.match(trust.describe(), /given CA/);
    const byLeaf = await open(server.port, { caCert: identity.leaf.toString() });
    assert.equal(byLeaf.kind, "given-ca");
    assert.ok(await accepts(byLeaf, server.port));
  });

  it("lists the names when they do not match, and is not replaced by the token", async () => {
    const identity = makeServer(ca, { hosts: ["cp.example", "10.0.0.11"] });
    await using server = await serveTls(identity);
    const options = { caCert: ca.certificate.toString(), token: tokenWith([digestOf(ca)]) };
    const { text } = await refusal(open(server.port, options));
    assert.match(text, /given CA +it is for cp\.example, 10\.0\.0\.11, not for 127\.0\.0\.1/);
    assert.match(text, /--cp-address URL +with one of the names above/);
    assert.match(text, /dpServer\.hosts/);
    assert.match(text, /no --ca-cert-file +the token knows this control plane without it/);
    const { text: without } = await refusal(open(server.port, { caCert: options.caCert }));
    assert.doesNotMatch(without, /no --ca-cert-file/);
    assertNothingSent(server);
  });

  it("refuses another CA, also one of the same name", async () => {
    const identity = makeServer(makeCa("corporate"));
    await using server = await serveTls(identity);
    const { text } = await refusal(open(server.port, { caCert: ca.certificate.toString() }));
    assert.match(text, /given CA +/);
    assertNothingSent(server);
  });

  it("refuses a text without a certificate before anything is connected", async () => {
    await assert.rejects(open(1, { caCert: "no PEM" }), {
      code: "MM105",
      message: /the given CA holds no certificate/,
    });
    const broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
    await assert.rejects(open(1, { caCert: broken }), { code: "MM105", message: /cannot be read/ });
  });
});

describe("trust by the system's certificates", () => {
  const ca = makeCa("public CA");

  it("is the last resort, and demands the name", async () => {
    using directory = temporaryDirectory();
    const bundle = join(directory.path, "bundle.pem");
    writeFileSync(bundle, `${makeCa().certificate}${ca.certificate}`);
    const identity = makeServer(ca, { hosts: ["localhost"] });
    await using server = await serveTls(identity);
    const stores = [
      { SSL_CERT_FILE: bundle },
      { SSL_CERT_FILE: "/nonexistent", SSL_CERT_DIR: `/nonexistent:${directory.path}` },
    ];
    for (const env of stores) {
      const byName = { env, address: `https://localhost:${server.port}` };
      const trust = await open(server.port, byName);
      assert.equal(trust.kind, "system");
      assert.equal(trust.caPem, "");
      assert.equal((await open(server.port, { ...byName, token: tokenWith(["ab".repeat(32)]) })).kind, "system");
      const { text } = await refusal(open(server.port, { env }));
      assert.match(text, /system +it is for localhost, not for 127\.0\.0\.1/);
    }
  });

  it("is not asked when the token's digest fits", async () => {
    using directory = temporaryDirectory();
    const bundle = join(directory.path, "bundle.pem");
    writeFileSync(bundle, ca.certificate.toString());
    const identity = makeServer(ca);
    await using server = await serveTls(identity);
    const trust = await open(server.port, { env: { SSL_CERT_FILE: bundle }, token: tokenWith([digestOf(ca)]) });
    assert.equal(trust.kind, "token-claim");
  });

  it("says when the machine has none, and finds the real one of this machine", async () => {
    const identity = makeServer(ca);
    await using server = await serveTls(identity);
    const { text } = await refusal(open(server.port));
    assert.match(text, /system +this machine has no store of certificates/);
    await refusal(open(server.port, { env: {} }));
  });
});

describe("trusting whoever answers", () => {
  it("is done only on demand, and said", async () => {
    const identity = makeServer(makeCa(), { hosts: ["elsewhere"], notAfter: Date.now() - DAY_MS / 2 });
    await using server = await serveTls(identity);
    await refusal(open(server.port, { skipVerify: false }));
    const trust = await open(server.port, { skipVerify: true });
    assert.equal(trust.kind, "skip-verify");
    assert.match(trust.describe(), /^not verified/);
    assert.equal(trust.caPem, "");
    assert.ok(await accepts(trust, server.port));
  });
});

describe("what a stranger's certificate says", () => {
  it("cannot write to the terminal", async () => {
    const evil = makeCa("\u001b[2J\u001b[31mCP");
    const identity = makeServer(evil);
    await using server = await serveTls(identity);
    const { text } = await refusal(open(server.port));
    assert.ok(!text.includes("\u001b"));
  });
});
