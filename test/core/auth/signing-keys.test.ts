import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { describe, it } from "node:test";
import { dataplaneKeyFamily, serialOf, signingKeySecret } from "../../../core/auth/key-family.ts";
import { secretDraft, secretText } from "../../../core/auth/secret-text.ts";
import { createSigningKeys } from "../../../core/auth/signing-keys.ts";
import { foreignKey, keyName, TokenBench } from "./token-fixtures.ts";

const pkcs1 = (key: ReturnType<typeof foreignKey>) => String(key.export({ type: "pkcs1", format: "pem" }));

describe("signing keys", () => {
  it("are made once for a mesh, by however many ask at once", async () => {
    await using bench = await new TokenBench().open();
    const second = createSigningKeys(bench.store);
    const asking = [bench.signingKeys, bench.signingKeys, second].map((keys) => keys.ensureForMesh("default"));
    await Promise.all(asking);
    const { items } = await bench.store.list("Secret", { mesh: "default" });
    assert.deepEqual(
      items.map((each) => each.name),
      [keyName("default", 1).name],
    );
    assert.equal(items[0]?.version, 1);
    assert.match(secretText(items[0] ?? assert.fail()), /^-----BEGIN RSA PRIVATE KEY-----\n/);
    const revision = await bench.store.revision();
    await bench.signingKeys.ensureForMesh("default");
    assert.equal(await bench.store.revision(), revision);
  });

  it("go with their mesh, and are not made for one that does not exist", async () => {
    await using bench = await new TokenBench().open();
    await bench.signingKeys.ensureForMesh("other");
    await bench.store.delete({ type: "Mesh", mesh: "", name: "other" });
    assert.equal(await bench.store.get(keyName("other", 1)), undefined);
    await assert.rejects(bench.signingKeys.ensureForMesh("other"), { code: "MM404", message: /mesh "other"/ });
    await assert.rejects(bench.signingKeys.newestForMesh("nope"), { code: "MM404" });
  });

  it("leave the event loop free while they are made", async () => {
    await using bench = await new TokenBench().open();
    let turns = 0;
    const ticking = setInterval(() => turns++, 1);
    await bench.signingKeys.ensureForMesh("default");
    clearInterval(ticking);
    assert.ok(turns >= 3, `${turns} turns`);
  });

  it("are chosen by the highest number, not by the alphabet", async () => {
    await using bench = await new TokenBench().open();
    for (const serial of [1, 9, 10])
      await bench.store.put(secretDraft(keyName("default", serial), pkcs1(foreignKey())));
    const strange = [
      "dataplane-token-signing-key-default-x",
      "dataplane-token-signing-key-default-011",
      "a-dataplane-token-signing-key-default-99",
    ];
    for (const name of strange) await bench.store.put(secretDraft({ type: "Secret", mesh: "default", name }, "no key"));
    assert.equal((await bench.signingKeys.newestForMesh("default")).keyId, "10");
  });

  it("that are damaged are an error that names the secret and nothing in it", async () => {
    await using bench = await new TokenBench().open();
    const ec = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ type: "pkcs8", format: "pem" });
    for (const text of ["", "hunter2", String(ec)]) {
      await bench.store.put(secretDraft(keyName("default", 4), text));
      await assert.rejects(bench.signingKeys.newestForMesh("default"), (error: Error & { code: string }) => {
        assert.equal(error.code, "MM307");
        assert.match(error.message, /dataplane-token-signing-key-default-4/);
        assert.ok(!JSON.stringify({ ...error, cause: String(error.cause) }).includes("hunter2"));
        return true;
      });
    }
  });

  it("have names as Kuma gives them", () => {
    const family = dataplaneKeyFamily("default");
    assert.equal(signingKeySecret(family, "12")?.name, "dataplane-token-signing-key-default-12");
    assert.equal(signingKeySecret(family, "0")?.name, "dataplane-token-signing-key-default");
    for (const keyId of ["", "-1", "01", "1.5", "x", "../1", "1 ", "99999999999"])
      assert.equal(signingKeySecret(family, keyId), undefined);
    assert.equal(serialOf(family, "dataplane-token-signing-key-default"), 0);
    assert.equal(serialOf(family, "dataplane-token-signing-key-default-0"), undefined);
    assert.equal(serialOf(family, "dataplane-token-signing-key-default2-1"), undefined);
  });
});
