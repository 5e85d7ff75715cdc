import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import type { AuthPluginContext, DataplaneTokenRequest, TokenIssuer } from "../../../core/auth/authenticator.ts";
import { parseJws, signJws } from "../../../core/auth/jws.ts";
import { secretDraft, secretText } from "../../../core/auth/secret-text.ts";
import { createSigningKeys, type StoredSigningKeys } from "../../../core/auth/signing-keys.ts";
import { createTokenIssuer } from "../../../core/auth/token-issuer.ts";
import { silentLogger } from "../../../core/kernel/log.ts";
import { Scope } from "../../../core/kernel/scope.ts";
import type { ResourceDraft } from "../../../core/model/resource.ts";
import type { ResourceStore } from "../../../core/store/resource-store.ts";
import { createMemoryStore } from "../../../plugins/store-memory/memory-store.ts";
import { MovableClock } from "./movable-clock.ts";

const HOUR_MS = 3_600_000;
/** Digest of a control plane's key, as far as these tests care. */
export const OWN_DIGEST = "ab".repeat(32);

export const keyName = (mesh: string, serial: number) => ({
  type: "Secret",
  mesh,
  name: `dataplane-token-signing-key-${mesh}-${serial}`,
});

/** A control plane's tokens on a memory store, with the meshes `default` and `other`. */
export class TokenBench implements AsyncDisposable {
  readonly clock = new MovableClock();
  readonly scope = new Scope("test");
  readonly store: ResourceStore = createMemoryStore({ clock: this.clock, retainedChanges: 100 });
  readonly signingKeys: StoredSigningKeys = createSigningKeys(this.store);
  cpCa: readonly string[] = [OWN_DIGEST];
  readonly issuer: TokenIssuer = createTokenIssuer({
    signingKeys: this.signingKeys,
    clock: this.clock,
    cpCa: () => this.cpCa,
  });

  async open(): Promise<this> {
    for (const name of ["default", "other"])
      await this.store.put({ type: "Mesh", mesh: "", name, labels: {}, spec: {} });
    return this;
  }

  get context(): AuthPluginContext {
    const { scope, clock, store } = this;
    return { scope, clock, store, log: silentLogger, workDir: "/nonexistent", cpCa: () => this.cpCa };
  }

  issue(request: Partial<DataplaneTokenRequest> = {}): Promise<string> {
    const whole = { mesh: "default", name: "redis-1", tags: {}, type: "", workload: "", validFor: 24 * HOUR_MS };
    return this.issuer.issueDataplaneToken({ ...whole, ...request });
  }

  /** The private part of a mesh's key, as somebody with the store in hands has it. */
  async privateKey(mesh = "default", serial = 1): Promise<KeyObject> {
    await this.signingKeys.ensureForMesh(mesh);
    const secret = await this.store.get(keyName(mesh, serial));
    if (!secret) throw new Error("there is no such key");
    return createPrivateKey(secretText(secret));
  }

  /** A token that the issuer would not make. */
  async sign(claims: Record<string, unknown>, keyId = "1", key?: KeyObject): Promise<string> {
    return signJws(claims, keyId, key ?? (await this.privateKey()));
  }

  async revoke(type: "Secret" | "GlobalSecret", mesh: string, list: string): Promise<void> {
    const name = `dataplane-token-revocations-${mesh}`;
    await this.store.put(secretDraft({ type, mesh: type === "Secret" ? mesh : "", name }, list));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.scope.close();
    await this.store.close();
  }
}

/** A Dataplane with an inbound for each set of tags. */
export function dataplane(name: string, tags: readonly Record<string, string>[], mesh = "default"): ResourceDraft {
  const inbound = tags.map((each, index) => ({ port: 8000 + index, tags: each }));
  return { type: "Dataplane", mesh, name, labels: {}, spec: { networking: { address: "192.0.2.1", inbound } } };
}

export function claimsOf(token: string): Record<string, unknown> {
  const jws = parseJws(token);
  if (!jws) throw new Error("no token");
  return { ...jws.claims };
}

/** Replaces a part of a token. */
export function withPart(token: string, index: 0 | 1 | 2, value: unknown): string {
  const parts = token.split(".");
  parts[index] = typeof value === "string" ? value : Buffer.from(JSON.stringify(value)).toString("base64url");
  return parts.join(".");
}

export const foreignKey = (): KeyObject => generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
