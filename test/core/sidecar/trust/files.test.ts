import assert from "node:assert/strict";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { MeshError } from "../../../../core/kernel/errors.ts";
import { readCaFile } from "../../../../core/sidecar/trust/ca-file.ts";
import { clockSkew } from "../../../../core/sidecar/trust/clock-skew.ts";
import { decodeToken } from "../../../../core/sidecar/trust/token-claims.ts";
import { checkToken, readTokenFile } from "../../../../core/sidecar/trust/token-file.ts";
import { makeCa, temporaryDirectory } from "../../ca/fixtures.ts";
import { tokenWith } from "./servers.ts";

describe("the token file", () => {
  it("holds one token, with space around it or without, and may change at any time", async () => {
    using directory = temporaryDirectory();
    const path = join(directory.path, "token");
    for (const digest of ["ab".repeat(32), "cd".repeat(32)]) {
      const token = tokenWith([digest]);
      writeFileSync(path, `\n  ${token}\r\n`);
      const read = await readTokenFile(path);
      assert.equal(read, token);
      assert.deepEqual(decodeToken(read)?.cpCa, [digest]);
    }
  });

  it("is an error with its path when there is no token in it", async () => {
    using directory = temporaryDirectory();
    const path = join(directory.path, "token");
    const token = tokenWith(undefined);
    const none = `${Buffer.from('{"typ":"JWT"}').toString("base64url")}.e30.x`;
    const table: [text: string, message: RegExp][] = [
      ["", /is empty/],
      [" \n\n", /is empty/],
      [`${token}\n${token}`, /more than one line/],
      ["hunter2", /holds no token/],
      ["a.b.c", /holds no token/],
      [none, /holds no token/],
      [`"${token}"`, /holds no token/],
    ];
    for (const [text, message] of table) {
      writeFileSync(path, text);
      await assert.rejects(readTokenFile(path), (error: MeshError) => {
        assert.equal(error.code, "MM301");
        assert.match(error.message, message);
        assert.ok(error.message.includes(path));
        assert.ok(!`${error.message}${error.why}`.includes("hunter2"));
        return true;
      });
    }
    mkdirSync(join(directory.path, "folder"));
    for (const wrong of [join(directory.path, "nothing"), join(directory.path, "folder")]) {
      await assert.rejects(
        readTokenFile(wrong),
        (error: MeshError) => error.code === "MM105" && error.message.includes(wrong),
      );
    }
    chmodSync(path, 0o000);
    if (process.getuid?.() !== 0) await assert.rejects(readTokenFile(path), { code: "MM105" });
    assert.throws(() => checkToken("x", "--dataplane-token"), { message: "--dataplane-token holds no token (JWT)" });
  });

  it("tells what the banner says about the token", () => {
    const claims = decodeToken(tokenWith(["ab".repeat(32), "no digest", 5 as never]));
    assert.deepEqual(claims, {
      name: "redis-1",
      mesh: "default",
      expiresAt: undefined,
      notBefore: undefined,
      cpCa: ["ab".repeat(32)],
    });
  });
});

describe("the CA file", () => {
  it("is read, or is an error with its path", async () => {
    using directory = temporaryDirectory();
    const path = join(directory.path, "ca.pem");
    const [one, two] = [makeCa().certificate.toString(), makeCa().certificate.toString()];
    writeFileSync(path, `text\n${one}more text\n${two}`);
    assert.equal(await readCaFile(path), `${one.trim()}\n${two.trim()}\n`);
    writeFileSync(path, "nothing");
    await assert.rejects(
      readCaFile(path),
      (error: MeshError) => error.code === "MM105" && error.message.includes(path),
    );
    await assert.rejects(readCaFile("/nonexistent/ca.pem"), { code: "MM105", message: /\/nonexistent\/ca\.pem/ });
  });
});

describe("the difference of the clocks", () => {
  it("is read from the header of an answer", () => {
    const at = Date.UTC(2026, 10, 24, 12, 0, 0);
    assert.equal(clockSkew("Tue, 24 Nov 2026 12:08:38 GMT", at - 100, at + 100), 518_500);
    assert.equal(clockSkew("Tue, 24 Nov 2026 11:59:59 GMT", at, at), -500);
    assert.equal(clockSkew(undefined, at, at), undefined);
    assert.equal(clockSkew("yesterday", at, at), undefined);
  });
});
