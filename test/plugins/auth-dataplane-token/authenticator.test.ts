import assert from "node:assert/strict";
import { createHmac, createPublicKey, type KeyObject } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { ProxyAuthenticator } from "../../../core/auth/authenticator.ts";
import { secretDraft } from "../../../core/auth/secret-text.ts";
import type { ErrorCode } from "../../../core/kernel/error-table.ts";
import type { MeshError } from "../../../core/kernel/errors.ts";
import { PluginHost } from "../../../core/kernel/plugin.ts";
import type { ResourceDraft } from "../../../core/model/resource.ts";
import { dataplaneTokenPlugin } from "../../../plugins/auth-dataplane-token/plugin.ts";
import { claimsOf, dataplane, foreignKey, keyName, TokenBench, withPart } from "../../core/auth/token-fixtures.ts";

const HOUR_MS = 3_600_000;
const REDIS = dataplane("redis-1", [{ "kuma.io/service": "redis" }]);

async function authenticatorOf(bench: TokenBench, options: unknown = {}): Promise<ProxyAuthenticator> {
  const host = new PluginHost();
  host.register([dataplaneTokenPlugin] as never);
  return host.create("auth", "dpToken", bench.context, options);
}

/** What a refusal says, all parts of it. */
async function refusal(attempt: Promise<void>): Promise<MeshError & { readonly text: string }> {
  const error = await attempt.then(
    () => assert.fail("was accepted"),
    (thrown: MeshError) => thrown,
  );
  return Object.assign(error, { text: [error.message, error.why, error.todo].join("\n") });
}

describe("dataplane tokens", () => {
  let bench: TokenBench;
  let authenticator: ProxyAuthenticator;
  let token: string;
  let stranger: KeyObject;

  before(async () => {
    bench = await new TokenBench().open();
    authenticator = await authenticatorOf(bench);
    token = await bench.issue();
    stranger = foreignKey();
  });
  after(() => bench[Symbol.asyncDispose]());

  it("let their Dataplane in, and every one when they name none", async () => {
    await authenticator.authenticate(token, REDIS);
    await authenticator.authenticate(`${token}\n`, REDIS);
    await authenticator.authenticate(await bench.issue({ name: "" }), dataplane("redis-2", []));
    // As Kuma makes them: without our claim, and Go's empty map.
    const seconds = Math.floor(Date.now() / 1000);
    const kuma = {
      Name: "redis-1",
      Mesh: "default",
      Tags: null,
      Type: "",
      Workload: "",
      exp: seconds + 60,
      nbf: seconds,
      iat: seconds,
      jti: "j",
    };
    await authenticator.authenticate(await bench.sign(kuma), REDIS);
    await authenticator.authenticate(await bench.sign({ Name: "redis-1" }), REDIS);
  });

  it("are refused with what is wrong with them", async () => {
    const claims = claimsOf(token);
    const hmac = (input: string, key: string) => createHmac("sha256", key).update(input).digest("base64url");
    const publicPem = String(createPublicKey(await bench.privateKey()).export({ type: "spki", format: "pem" }));
    const hs256 = `${Buffer.from('{"alg":"HS256","kid":"1"}').toString("base64url")}.${token.split(".")[1]}`;
    const foreign = { ...claims, cpCa: ["cd".repeat(32)] };
    const table: [credential: string | undefined, code: ErrorCode, text: RegExp, dataplane?: ResourceDraft][] = [
      [undefined, "MM301", /no token was given[\s\S]*--dataplane-token-file/],
      ["", "MM301", /no token was given/],
      ["  \n", "MM301", /no token was given/],
      ["hunter2", "MM301", /no token \(JWT\)/],
      [`Bearer ${token}`, "MM301", /no token \(JWT\)/],
      ["x".repeat(100_000), "MM301", /no token \(JWT\)/],
      [withPart(token, 0, { alg: "none", kid: "1" }), "MM310", /not signed; only RS256/],
      [`${hs256}.${hmac(hs256, publicPem)}`, "MM310", /signed with HS256; only RS256/],
      [withPart(token, 0, { alg: "\u001b[2J", kid: "1" }), "MM310", /signed with something unknown/],
      [
        withPart(token, 1, { ...claims, Name: "" }),
        "MM310",
        /signature is not of key "1" of mesh default[\s\S]*changed after/,
      ],
      [await bench.sign(claims, "1", stranger), "MM310", /signature is not of key "1"[\s\S]*made with another key/],
      [
        await bench.sign(foreign, "1", stranger),
        "MM310",
        /signature is not of key "1"[\s\S]*Another control plane made it/,
      ],
      [await bench.sign(claims, "7"), "MM310", /key "7", which mesh default does not have[\s\S]*memory store/],
      [await bench.sign(foreign, "7"), "MM310", /key "7"[\s\S]*Another control plane made it/],
      [await bench.sign(claims, ""), "MM310", /key \(none named\)/],
      [await bench.sign(claims, "../../x y"), "MM310", /key \(not shown\)/],
      [await bench.sign({ ...claims, exp: "tomorrow" }), "MM301", /claim exp/],
      [await bench.sign({ ...claims, Tags: ["x"] }), "MM301", /claim Tags/],
      [await bench.sign({ ...claims, Tags: { a: "x" } }), "MM301", /claim Tags/],
      [await bench.sign({ ...claims, Name: 5 }), "MM301", /claim Name/],
      [
        token,
        "MM311",
        /the token is for redis-1, not redis-2[\s\S]*--name redis-2 --mesh default/,
        dataplane("redis-2", []),
      ],
      [token, "MM311", /the token is for mesh default, not other/, dataplane("redis-1", [], "other")],
    ];
    for (const [credential, code, text, wanted = REDIS] of table) {
      const error = await refusal(authenticator.authenticate(credential, wanted));
      assert.equal(error.code, code, `${credential?.slice(0, 30)}: ${error.text}`);
      assert.match(error.text, text);
      assert.equal(error.kind, "user");
      assert.ok(!/hunter2|PRIVATE KEY|eyJ/.test(error.text), "no part of the credential or a key is quoted");
    }
  });

  it("say both clocks when the time is wrong", async () => {
    await using own = await new TokenBench().open();
    const short = await own.issue({ validFor: HOUR_MS });
    const check = await authenticatorOf(own);
    await check.authenticate(short, REDIS);
    own.clock.advance(HOUR_MS + 120_000);
    const late = await refusal(check.authenticate(short, REDIS));
    assert.equal(late.code, "MM305");
    const { exp } = claimsOf(short);
    const utc = (ms: number) => new Date(ms).toISOString().slice(0, 16).replace("T", " ");
    assert.ok(late.message.includes(`expired at ${utc(Number(exp) * 1000)}`), late.message);
    assert.ok(late.message.includes(`clock says ${utc(own.clock.now())}`), late.message);
    assert.match(late.text, /2m\d*s? ago/);
    own.clock.advance(-2 * HOUR_MS);
    const early = await refusal(check.authenticate(short, REDIS));
    assert.equal(early.code, "MM305");
    assert.match(early.text, /valid from .*clock says .*\n.*ahead/);
  });

  it("bear a clock that is a little ahead, but no expiry", async () => {
    const seconds = bench.clock.now() / 1000;
    const claims = claimsOf(token);
    await authenticator.authenticate(await bench.sign({ ...claims, nbf: seconds + 50 }), REDIS);
    await assert.rejects(authenticator.authenticate(await bench.sign({ ...claims, nbf: seconds + 70 }), REDIS), {
      code: "MM305",
    });
    await assert.rejects(authenticator.authenticate(await bench.sign({ ...claims, exp: seconds - 1 }), REDIS), {
      code: "MM305",
    });
  });

  it("demand their tags of all inbounds, or of the gateway", async () => {
    const tags = { "kuma.io/service": ["web"], version: ["1", "2"] };
    const bound = await bench.issue({ name: "", tags });
    const web = (version: string, service = "web") => ({ "kuma.io/service": service, version });
    const gateway = (given: Record<string, string>): ResourceDraft => ({
      ...REDIS,
      spec: { networking: { address: "192.0.2.1", gateway: { tags: given } } },
    });
    await authenticator.authenticate(bound, dataplane("a", [web("1")]));
    await authenticator.authenticate(bound, dataplane("a", [web("1"), web("2")]));
    await authenticator.authenticate(bound, gateway(web("2")));
    const refusals: [ResourceDraft, RegExp][] = [
      [dataplane("a", [web("1"), web("1", "web-api")]), /is for kuma\.io\/service=web, not web-api/],
      [dataplane("a", [web("3")]), /is for version=1,2, not 3/],
      [dataplane("a", [{ "kuma.io/service": "web" }]), /demands the tag version=1,2, which a does not have/],
      [dataplane("a", []), /demands the tag kuma\.io\/service=web/],
      [gateway({ "kuma.io/service": "edge" }), /not edge/],
    ];
    for (const [wanted, text] of refusals) {
      const error = await refusal(authenticator.authenticate(bound, wanted));
      assert.equal(error.code, "MM311");
      assert.match(error.text, text);
    }
  });

  it("are bound to a workload if they name one", async () => {
    const bound = await bench.issue({ workload: "cart" });
    const labelled = (workload: string) => ({ ...REDIS, labels: { "kuma.io/workload": workload } });
    await authenticator.authenticate(bound, labelled("cart"));
    await assert.rejects(authenticator.authenticate(bound, labelled("shop")), {
      code: "MM311",
      message: /workload cart, not shop/,
    });
    await assert.rejects(authenticator.authenticate(bound, REDIS), { code: "MM311", message: /workload cart/ });
  });

  it("are revoked by the mesh's secret or the global one, and come back when the list says so", async () => {
    const id = String(claimsOf(token)["jti"]);
    for (const type of ["Secret", "GlobalSecret"] as const) {
      await bench.revoke(type, "default", `another-id,${id}\n`);
      await assert.rejects(authenticator.authenticate(token, REDIS), { code: "MM306", message: /revoked/ });
      await bench.revoke(type, "default", "another-id");
      await authenticator.authenticate(token, REDIS);
    }
    await bench.revoke("Secret", "other", id);
    await authenticator.authenticate(token, REDIS);
  });

  it("of an older key stay good until the key is deleted", async () => {
    await using own = await new TokenBench().open();
    const check = await authenticatorOf(own);
    const old = await own.issue();
    await own.store.put(secretDraft(keyName("default", 2), String(stranger.export({ type: "pkcs1", format: "pem" }))));
    const next = await own.issue();
    await check.authenticate(old, REDIS);
    await check.authenticate(next, REDIS);
    await own.store.delete(keyName("default", 1));
    await assert.rejects(check.authenticate(old, REDIS), { code: "MM310" });
    await check.authenticate(next, REDIS);
    const replaced = String(foreignKey().export({ type: "pkcs1", format: "pem" }));
    await own.store.put(secretDraft(keyName("default", 2), replaced));
    await assert.rejects(check.authenticate(next, REDIS), { code: "MM310", message: /signature/ });
  });

  it("of kid 0 use the key without a number", async () => {
    const bare = { type: "Secret", mesh: "default", name: "dataplane-token-signing-key-default" };
    await bench.store.put(secretDraft(bare, String(stranger.export({ type: "pkcs8", format: "pem" }))));
    await authenticator.authenticate(await bench.sign({ Name: "redis-1" }, "0", stranger), REDIS);
  });

  it("may be made elsewhere, with keys that the configuration names", async () => {
    const directory = mkdtempSync(join(tmpdir(), "monomesh-test-"));
    const keyFile = join(directory, "public.pem");
    const publicKey = createPublicKey(stranger);
    writeFileSync(keyFile, String(publicKey.export({ type: "pkcs1", format: "pem" })));
    const key = String(publicKey.export({ type: "spki", format: "pem" }));
    const offline = await bench.sign({ Name: "redis-1", Mesh: "default" }, "offline", stranger);
    for (const publicKeys of [[{ kid: "offline", key }], [{ kid: "offline", keyFile, mesh: "default" }]]) {
      const check = await authenticatorOf(bench, { useSecrets: false, publicKeys });
      await check.authenticate(offline, REDIS);
      await assert.rejects(check.authenticate(token, REDIS), { code: "MM310", message: /key "1"/ });
    }
    const elsewhere = await authenticatorOf(bench, { publicKeys: [{ kid: "offline", key, mesh: "other" }] });
    await assert.rejects(elsewhere.authenticate(offline, REDIS), { code: "MM310" });
    await elsewhere.authenticate(token, REDIS);
    const wrong: [options: unknown, code: ErrorCode][] = [
      [{ publicKeys: [{ kid: "x", key: "hunter2" }] }, "MM307"],
      [{ publicKeys: [{ kid: "x", keyFile: join(directory, "nothing") }] }, "MM307"],
      [{ publicKeys: [{ kid: "x" }] }, "MM801"],
      [{ publicKeys: [{ kid: "", key }] }, "MM801"],
      [{ useSecrets: "yes" }, "MM801"],
      [{ something: 1 }, "MM801"],
    ];
    for (const [options, code] of wrong) await assert.rejects(authenticatorOf(bench, options), { code });
    rmSync(directory, { recursive: true });
  });

  it("cost a reconnecting mesh little: a thousand at once", async () => {
    await Promise.all(Array.from({ length: 200 }, () => authenticator.authenticate(token, REDIS)));
    const start = process.cpuUsage();
    for (let round = 0; round < 10; round++) {
      await Promise.all(Array.from({ length: 100 }, () => authenticator.authenticate(token, REDIS)));
    }
    const { user, system } = process.cpuUsage(start);
    const each = (user + system) / 1000 / 1000;
    // 0.1 ms on an idle machine; the bound leaves room for a busy one.
    assert.ok(each < 0.3 * 2, `${each} ms of CPU`);
  });
});
