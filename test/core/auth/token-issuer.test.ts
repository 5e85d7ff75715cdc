import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DataplaneTokenRequest } from "../../../core/auth/authenticator.ts";
import { parseJws } from "../../../core/auth/jws.ts";
import { secretDraft } from "../../../core/auth/secret-text.ts";
import {
  createTokenIssuer,
  DEFAULT_TOKEN_VALIDITY_MS,
  MAX_TOKEN_VALIDITY_MS,
} from "../../../core/auth/token-issuer.ts";
import type { MeshError } from "../../../core/kernel/errors.ts";
import { claimsOf, foreignKey, keyName, OWN_DIGEST, TokenBench } from "./token-fixtures.ts";

describe("the token issuer", () => {
  it("writes the claims that Kuma reads, all of them, and the digests of the control plane", async () => {
    await using bench = await new TokenBench().open();
    const tags = { "kuma.io/service": ["redis", "redis-api"] };
    const claims = claimsOf(await bench.issue({ tags, validFor: 90_500 }));
    const { exp, nbf, iat, jti, ...rest } = claims;
    assert.deepEqual(rest, {
      Name: "redis-1",
      Mesh: "default",
      Tags: tags,
      Type: "",
      Workload: "",
      cpCa: [OWN_DIGEST],
    });
    const now = bench.clock.now() / 1000;
    assert.equal(iat, nbf);
    assert.ok(Math.abs(Number(iat) - (now - 5)) <= 2);
    assert.ok(Math.abs(Number(exp) - (now + 91)) <= 2);
    assert.match(String(jti), /^[0-9a-f]{8}-[0-9a-f]{4}-4/);
    assert.notEqual(claimsOf(await bench.issue())["jti"], jti);
  });

  it("takes the newest key at once", async () => {
    await using bench = await new TokenBench().open();
    assert.equal(parseJws(await bench.issue())?.keyId, "1");
    const pem = String(foreignKey().export({ type: "pkcs1", format: "pem" }));
    await bench.store.put(secretDraft(keyName("default", 2), pem));
    assert.equal(parseJws(await bench.issue())?.keyId, "2");
  });

  it("refuses what cannot be meant, with the field", async () => {
    await using bench = await new TokenBench().open();
    const refusals: [request: Partial<DataplaneTokenRequest>, field: string][] = [
      [{ mesh: "" }, "mesh"],
      [{ mesh: "NO GOOD" }, "mesh"],
      [{ name: "x".repeat(254) }, "name"],
      [{ workload: "x".repeat(64) }, "workload"],
      [{ type: "sidecar" }, "type"],
      [{ validFor: 0 }, "validFor"],
      [{ validFor: -1 }, "validFor"],
      [{ validFor: Number.NaN }, "validFor"],
      [{ validFor: Number.POSITIVE_INFINITY }, "validFor"],
      [{ validFor: MAX_TOKEN_VALIDITY_MS + 1 }, "validFor"],
      [{ tags: { "kuma.io/service": [] } }, 'tags["kuma.io/service"]'],
      [{ tags: { "kuma.io/service": ["a b"] } }, 'tags["kuma.io/service"]'],
      [{ tags: { "": ["redis"] } }, 'tags[""]'],
    ];
    for (const [request, field] of refusals) {
      await assert.rejects(bench.issue(request), (error: MeshError) => {
        assert.equal(error.code, "MM400");
        assert.deepEqual(
          error.violations.map((each) => each.field),
          [field],
        );
        return true;
      });
    }
    const many = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`tag-${index}`, ["x".repeat(60)]]));
    await assert.rejects(bench.issue({ tags: many }), { code: "MM400", message: /characters/ });
    await assert.rejects(bench.issue({ mesh: "nope" }), { code: "MM404", message: /mesh "nope" does not exist/ });
    const off = createTokenIssuer({
      signingKeys: bench.signingKeys,
      clock: bench.clock,
      cpCa: () => [],
      enabled: false,
    });
    const request = { mesh: "default", name: "", tags: {}, type: "", workload: "", validFor: 1000 };
    await assert.rejects(off.issueDataplaneToken(request), { code: "MM400", message: /does not make tokens/ });
  });

  it("takes Kuma's ten years and a day by default", async () => {
    await using bench = await new TokenBench().open();
    assert.equal(DEFAULT_TOKEN_VALIDITY_MS, 24 * 3_600_000);
    const { exp, iat } = claimsOf(await bench.issue({ validFor: 87_600 * 3_600_000 }));
    assert.equal(Number(exp) - Number(iat), 87_600 * 3600 + 5);
  });
});
