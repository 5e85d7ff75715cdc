import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { describe, it } from "node:test";
import { CompactSign, jwtVerify, SignJWT } from "jose";
import { MAX_TOKEN_LENGTH, parseJws, signJws, verifyJws } from "../../../core/auth/jws.ts";

const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
const other = generateKeyPairSync("rsa", { modulusLength: 2048 });
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** Whether our own check accepts it, as the token verifier asks. */
function accepts(token: string): boolean {
  const jws = parseJws(token);
  return jws !== undefined && verifyJws(jws, pair.publicKey);
}

describe("JWTs", () => {
  it("that we sign are good for jose, and the other way round", async () => {
    const token = signJws({ Name: "redis-1", exp: Math.floor(Date.now() / 1000) + 60 }, "3", pair.privateKey);
    const { payload, protectedHeader } = await jwtVerify(token, pair.publicKey, { algorithms: ["RS256"] });
    assert.equal(payload["Name"], "redis-1");
    assert.deepEqual(protectedHeader, { alg: "RS256", kid: "3", typ: "JWT" });
    const theirs = await new SignJWT({ Mesh: "default" })
      .setProtectedHeader({ alg: "RS256", kid: "7" })
      .setExpirationTime("1h")
      .sign(pair.privateKey);
    assert.ok(accepts(theirs));
    assert.equal(parseJws(theirs)?.keyId, "7");
    assert.equal(parseJws(theirs)?.claims["Mesh"], "default");
  });

  it("are refused when one bit is another", () => {
    const token = signJws({ Name: "redis-1" }, "1", pair.privateKey);
    assert.ok(accepts(token));
    assert.ok(!verifyJws(parseJws(token) ?? assert.fail(), other.publicKey));
    const [head, body, tail] = token.split(".");
    assert.ok(!accepts(`${head}.${encode({ Name: "redis-2" })}.${tail}`));
    assert.ok(!accepts(`${encode({ alg: "RS256", kid: "2" })}.${body}.${tail}`));
    assert.ok(!accepts(`${head}.${body}.`));
    assert.ok(!accepts(`${head}.${body}.${tail?.replace(/^./, (first) => (first === "A" ? "B" : "A"))}`));
  });

  it("are refused with every other algorithm, also one that jose signs well", async () => {
    const payload = new TextEncoder().encode("{}");
    for (const alg of ["RS384", "RS512", "PS256"]) {
      const token = await new CompactSign(payload).setProtectedHeader({ alg, kid: "1" }).sign(pair.privateKey);
      assert.ok(!accepts(token), alg);
    }
    // The classic: the public key, which is no secret, as the secret of an HMAC.
    const secret = new TextEncoder().encode(String(pair.publicKey.export({ type: "spki", format: "pem" })));
    const hmac = await new CompactSign(payload).setProtectedHeader({ alg: "HS256", kid: "1" }).sign(secret);
    assert.ok(!accepts(hmac));
    assert.ok(!accepts(`${encode({ alg: "none", kid: "1" })}.${encode({})}.`));
  });

  it("are not read from anything else", () => {
    const good = signJws({}, "1", pair.privateKey);
    const [head, body, tail] = good.split(".");
    for (const text of [
      "",
      "a",
      "a.b",
      "a.b.c",
      `${good}.x`,
      `${good}=`,
      ` ${good}`,
      good.replaceAll(".", "\n"),
      "..",
      `${head}..${tail}`,
      `${encode([])}.${body}.${tail}`,
      `${encode("x")}.${body}.${tail}`,
      `${encode(null)}.${body}.${tail}`,
      `${encode({ alg: 5 })}.${body}.${tail}`,
      `${encode({ alg: "RS256", crit: ["x"] })}.${body}.${tail}`,
      `${head}.${encode([1])}.${tail}`,
      `${head}.${"A".repeat(MAX_TOKEN_LENGTH)}.${tail}`,
    ]) {
      assert.equal(parseJws(text), undefined, text.slice(0, 60));
    }
  });
});
