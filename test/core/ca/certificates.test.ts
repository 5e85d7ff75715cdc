import assert from "node:assert/strict";
import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { encodeCertificate, readSubject } from "../../../core/ca/certificate-der.ts";
import { derObjectId, derTime, readDer } from "../../../core/ca/der.ts";
import {
  createKeyPair,
  createSigningCa,
  issueCertificate,
  renewCaCertificate,
  type SigningCa,
} from "../../../core/ca/issue-certificate.ts";
import { DAY_MS, makeCa, makeKumaFiles, makeServer, temporaryDirectory } from "./fixtures.ts";
import { hasOpenssl, openssl } from "./openssl.ts";

/** Whether openssl, at its strictest, follows the leaf to the CA. */
function verifies(ca: X509Certificate, leaf: X509Certificate, ...options: string[]): boolean {
  using directory = temporaryDirectory();
  const [caFile, leafFile] = [join(directory.path, "ca.pem"), join(directory.path, "leaf.pem")];
  writeFileSync(caFile, ca.toString());
  writeFileSync(leafFile, leaf.toString());
  return openssl("verify", ...options, "-CAfile", caFile, leafFile).ok;
}

function asText(certificate: X509Certificate): string {
  using directory = temporaryDirectory();
  const file = join(directory.path, "certificate.pem");
  writeFileSync(file, certificate.toString());
  return openssl("x509", "-in", file, "-noout", "-text").text;
}

function rsaCa(): SigningCa {
  using directory = temporaryDirectory();
  const { certificate, key } = makeKumaFiles(directory.path);
  return createSigningCa(certificate, key);
}

describe("certificates", () => {
  it("of a server name every host, and chain to the CA", () => {
    const ca = makeCa();
    const { leaf } = makeServer(ca, {
      hosts: ["vm-1", "*.svc.mesh", "10.0.0.1", "::1", "2001:db8::5:0:0:1", "fe80::1"],
    });
    assert.ok(leaf.checkIssued(ca.certificate));
    assert.ok(leaf.verify(ca.certificate.publicKey));
    assert.equal(leaf.ca, false);
    assert.ok(ca.certificate.ca);
    for (const ip of ["10.0.0.1", "::1", "2001:db8::5:0:0:1", "fe80::1"]) assert.equal(leaf.checkIP(ip), ip);
    assert.equal(leaf.checkHost("redis.svc.mesh"), "*.svc.mesh");
    assert.equal(leaf.checkIP("10.0.0.2"), undefined);
    assert.deepEqual(leaf.keyUsage, ["1.3.6.1.5.5.7.3.1"]);
  });

  it("for mTLS carry URIs and both purposes; an empty subject makes the names critical", { skip: !hasOpenssl }, () => {
    const ca = makeCa();
    const leaf = issueCertificate(ca, {
      subject: {},
      publicKey: createKeyPair().publicKey,
      uris: ["spiffe://default/redis", "kuma://kuma.io/protocol/tcp"],
      server: true,
      client: true,
      notBefore: Date.now() - 60_000,
      notAfter: Date.now() + DAY_MS,
    });
    const text = asText(leaf);
    assert.match(text, /Subject Alternative Name: critical\s+URI:spiffe:\/\/default\/redis, URI:kuma:/);
    assert.match(text, /TLS Web Server Authentication, TLS Web Client Authentication/);
    assert.ok(verifies(ca.certificate, leaf, "-x509_strict", "-purpose", "sslclient"));
  });

  it("satisfy openssl at its strictest, signed with EC or RSA", { skip: !hasOpenssl }, () => {
    const ca = makeCa();
    assert.ok(verifies(ca.certificate, makeServer(ca).leaf, "-x509_strict", "-purpose", "sslserver"));
    assert.ok(!verifies(makeCa("test CA").certificate, makeServer(ca).leaf, "-x509_strict"), "a CA of the same name");
    assert.match(asText(ca.certificate), /CA:TRUE, pathlen:0[\s\S]*Certificate Sign, CRL Sign/);
    const kuma = rsaCa();
    assert.ok(verifies(kuma.certificate, makeServer(kuma).leaf, "-purpose", "sslserver"));
  });

  it("are never valid longer than their CA", () => {
    const ca = makeCa("old", Date.now() - 3600 * DAY_MS);
    const { leaf } = makeServer(ca, { notAfter: Date.now() + 1000 * DAY_MS });
    assert.equal(leaf.validTo, ca.certificate.validTo);
  });

  it("of a renewed CA have its name, key and key identifier", () => {
    for (const ca of [makeCa(), rsaCa()]) {
      const renewed = renewCaCertificate(ca, Date.now() + 900 * DAY_MS);
      const { leaf } = makeServer(ca);
      assert.deepEqual(readSubject(renewed.raw), readSubject(ca.certificate.raw));
      assert.ok(leaf.checkIssued(renewed));
      assert.ok(leaf.verify(renewed.publicKey));
      assert.ok(renewed.validToDate > ca.certificate.validToDate);
      assert.ok(renewed.ca);
    }
  });

  it("can be signed with P-384, and with no key that clients do not know", () => {
    const pair = generateKeyPairSync("ec", { namedCurve: "P-384" });
    const content = { ...CONTENT, publicKey: pair.publicKey };
    const certificate = new X509Certificate(encodeCertificate(content, pair.privateKey, undefined));
    assert.ok(certificate.verify(pair.publicKey));
    const ed = generateKeyPairSync("ed25519");
    assert.throws(
      () => encodeCertificate({ ...CONTENT, publicKey: ed.publicKey }, ed.privateKey, undefined),
      /ed25519/,
    );
  });
});

const CONTENT = {
  subject: { commonName: "x" },
  notBefore: Date.now(),
  notAfter: Date.now() + DAY_MS,
  isCa: true,
  hosts: [],
  uris: [],
  server: false,
  client: false,
} as const;

describe("DER", () => {
  it("writes times as RFC 5280 wants them", () => {
    assert.equal(derTime(Date.UTC(2049, 11, 31, 23, 59, 59, 999)).toString("latin1"), "\x17\x0d491231235959Z");
    assert.equal(derTime(Date.UTC(2050, 0, 1)).toString("latin1"), "\x18\x0f20500101000000Z");
  });

  it("writes object identifiers with parts above 127", () => {
    assert.equal(derObjectId("1.2.840.113549.1.1.11").toString("hex"), "06092a864886f70d01010b");
    assert.equal(derObjectId("2.5.29.17").toString("hex"), "0603551d11");
  });

  it("refuses lengths that do not fit", () => {
    assert.throws(() => readDer(Uint8Array.of(0x30, 5, 1)), /not DER/);
    assert.throws(() => readDer(Uint8Array.of(0x30, 0x85, 1, 1, 1, 1, 1)), /not DER/);
    assert.equal(readDer(Uint8Array.of(0x04, 0x81, 1, 7))[0]?.content[0], 7);
  });
});
