import type { EncodedResource, XdsType } from "../../../core/envoy/encoded-resource.ts";
import { systemClock } from "../../../core/kernel/clock.ts";
import { type Logger, silentLogger } from "../../../core/kernel/log.ts";
import { Scope } from "../../../core/kernel/scope.ts";
import type { Resource, ResourceDraft } from "../../../core/model/resource.ts";
import type { Policy } from "../../../core/policy/policy.ts";
import { PolicyCatalogue } from "../../../core/policy/policy-catalogue.ts";
import { createPushEngine, type PushEngine } from "../../../core/push/push-engine.ts";
import type { Snapshot, SnapshotSubscription, SubscribeOptions } from "../../../core/push/snapshot.ts";
import type { ResolveName } from "../../../core/push/system-dns.ts";
import type { ResourceStore } from "../../../core/store/resource-store.ts";
import { builtinPolicies } from "../../../plugins/policy-builtins.ts";
import { createMemoryStore } from "../../../plugins/store-memory/memory-store.ts";

/** Names that end in `.example` and what they stand for; other names do not exist. */
export function fixedDns(names: Readonly<Record<string, string>>): ResolveName {
  return async (host) => {
    const address = names[host];
    if (!address) throw Object.assign(new Error(`no ${host}`), { code: "ENOTFOUND" });
    return { addresses: [address], ttl: 60_000 };
  };
}

/** What one stream would see: the snapshots of a proxy. */
export class Watcher implements Disposable {
  readonly snapshots: Snapshot[] = [];
  readonly #subscription: SnapshotSubscription;

  constructor(engine: PushEngine, mesh: string, name: string, options?: SubscribeOptions) {
    this.#subscription = engine.subscribe({ mesh, name }, (snapshot) => this.snapshots.push(snapshot), options);
  }

  get last(): Snapshot | undefined {
    return this.snapshots.at(-1);
  }

  names(type: XdsType): string[] {
    return [...(this.last?.resources[type].names ?? [])];
  }

  resource(type: XdsType, name: string): EncodedResource | undefined {
    return this.last?.resources[type].get(name);
  }

  acknowledge(revision = this.last?.revision ?? 0, type: XdsType = "endpoint"): void {
    this.#subscription.acknowledged(type, revision);
  }

  [Symbol.dispose](): void {
    this.#subscription[Symbol.dispose]();
  }
}

export interface EngineInit {
  readonly store?: ResourceStore;
  readonly resolve?: ResolveName;
  readonly log?: Logger;
  /** Default: those that ship. */
  readonly policies?: readonly Policy[];
}

/** A memory store and an engine over it. */
export class TestEngine implements AsyncDisposable {
  readonly scope = new Scope("test");
  readonly store: ResourceStore;
  readonly engine: PushEngine;

  constructor(init: EngineInit = {}) {
    const { store = createMemoryStore(), resolve = fixedDns({}), log = silentLogger } = init;
    this.store = store;
    const policies = new PolicyCatalogue(init.policies ?? builtinPolicies());
    this.engine = createPushEngine({ store, resolve, log, policies, scope: this.scope, clock: systemClock });
  }

  watch(name: string, options?: SubscribeOptions, mesh = "default"): Watcher {
    return new Watcher(this.engine, mesh, name, options);
  }

  /** Puts and waits until all subscribers were given what follows; returns the last revision. */
  async put(...drafts: ResourceDraft[]): Promise<number> {
    let revision = 0;
    for (const draft of drafts) ({ revision } = await this.store.put(draft));
    await this.engine.settled(revision);
    return revision;
  }

  async delete(draft: ResourceDraft | Resource): Promise<number> {
    await this.store.delete(draft);
    const revision = await this.store.revision();
    await this.engine.settled(revision);
    return revision;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.scope.close();
  }
}

/** Everything in a snapshot as text, to compare byte for byte. */
export function bytesOf(snapshot: Snapshot | undefined): Record<string, string> {
  const all: Record<string, string> = {};
  for (const [type, list] of Object.entries(snapshot?.resources ?? {})) {
    all[`${type} names`] = list.names.join();
    for (const { name, version, deltaChunk, sotwChunk } of list) {
      const hex = [deltaChunk, sotwChunk].map((chunk) => Buffer.from(chunk).toString("hex"));
      all[`${type} ${name}`] = [version, ...hex].join(" ");
    }
  }
  return all;
}
