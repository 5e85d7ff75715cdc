import assert from "node:assert/strict";
import { test } from "node:test";
import { createSigningKeys } from "../../../core/auth/signing-keys.ts";
import { createTokenIssuer } from "../../../core/auth/token-issuer.ts";
import { systemClock } from "../../../core/kernel/clock.ts";
import { createMemoryStore } from "../../../plugins/store-memory/memory-store.ts";
import { serve } from "./serve.ts";

test("GET / says what kumactl wants to see, old and new", async (t) => {
  const api = await serve(t);
  assert.deepEqual((await api.get("/")).json, {
    hostname: "cp-1",
    tagline: "Kuma",
    product: "Kuma",
    version: "2.14.3",
    instanceId: "cp-1-ab12",
    clusterId: "c-1",
    basedOnKuma: "2.14.3",
    monomesh: "0.1.0",
  });
});

test("configuration, policies and the types, sorted, internal ones left out", async (t) => {
  const api = await serve(t);
  assert.deepEqual((await api.get("/config")).json, { store: { type: "memory" } });
  assert.deepEqual((await api.get("/policies")).json, { policies: [] });
  const { resources } = (await api.get("/_resources")).json;
  assert.deepEqual(
    resources.map((each: { name: string; path: string; scope: string; readOnly: boolean }) => [
      each.name,
      each.path,
      each.scope,
      each.readOnly,
    ]),
    [
      ["Dataplane", "dataplanes", "Mesh", false],
      ["DataplaneInsight", "dataplane-insights", "Mesh", true],
      ["GlobalSecret", "globalsecrets", "Global", false],
      ["Mesh", "meshes", "Global", false],
      ["Secret", "secrets", "Mesh", false],
    ],
  );
  assert.equal(resources[0].shortName, "dp");
});

test("a token request is handed on with its defaults; the answer is the token alone", async (t) => {
  const api = await serve(t);
  const answer = await api.post("/tokens/dataplane", { mesh: "default" });
  assert.deepEqual([answer.status, answer.text], [200, "header.payload.signature"]);
  assert.match(String(answer.headers["content-type"]), /^text\/plain/);
  assert.equal(answer.headers["x-monomesh-token-valid-for"], "24h");
  assert.equal(answer.headers["cache-control"], "no-store");
  const full = {
    name: "a",
    mesh: "default",
    tags: { "kuma.io/service": ["a", "b"] },
    type: "dataplane",
    workload: "w",
    validFor: "1h30m",
  };
  const second = await api.post("/tokens/dataplane", full);
  assert.equal(second.headers["x-monomesh-token-valid-for"], "1h30m");
  const day = 24 * 3_600_000;
  assert.deepEqual(api.tokenRequests, [
    { name: "", mesh: "default", tags: {}, type: "", workload: "", validFor: day },
    { ...full, validFor: 5_400_000 },
  ]);
});

test("with the real issuer: a token of a mesh made through the API, and the problems of a request with their fields", async (t) => {
  const store = createMemoryStore();
  const signingKeys = createSigningKeys(store);
  const tokens = createTokenIssuer({ signingKeys, clock: systemClock, cpCa: () => ["ab"] });
  const api = await serve(t, { store, signingKeys, tokens });
  assert.equal((await api.put("/meshes/shop", { type: "Mesh", name: "shop" })).status, 201);
  assert.equal((await api.get("/meshes/shop/secrets")).json.items[0].name, "dataplane-token-signing-key-shop-1");
  const { status, text } = await api.post("/tokens/dataplane", { mesh: "shop", name: "a", validFor: "1h" });
  assert.equal(status, 200);
  const claims = JSON.parse(Buffer.from(text.split(".")[1] ?? "", "base64url").toString());
  assert.deepEqual([claims.Name, claims.Mesh, claims.Tags, claims.cpCa], ["a", "shop", {}, ["ab"]]);
  const wrong = await api.post("/tokens/dataplane", { mesh: "shop", type: "gateway" });
  assert.deepEqual(
    [wrong.status, wrong.json.causes[0].field, wrong.json.title],
    [400, "type", "Could not issue a token"],
  );
});
