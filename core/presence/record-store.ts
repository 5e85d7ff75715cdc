import type { ErrorCode } from "../kernel/error-table.ts";
import { MeshError } from "../kernel/errors.ts";
import { DATAPLANE_PRESENCE, type PresenceSpec } from "../model/dataplane-presence.ts";
import type { Resource, ResourceKey } from "../model/resource.ts";
import type { ProxyId } from "../push/snapshot.ts";
import type { ResourceStore } from "../store/resource-store.ts";
import { type Moment, type PresenceEvent, type PresenceRules, transition } from "./transition.ts";

export function presenceKey(proxy: ProxyId): ResourceKey {
  return { type: DATAPLANE_PRESENCE, mesh: proxy.mesh, name: proxy.name };
}

export function dataplaneKey(proxy: ProxyId): ResourceKey {
  return { type: "Dataplane", mesh: proxy.mesh, name: proxy.name };
}

export function hasCode(thrown: unknown, ...codes: ErrorCode[]): boolean {
  return thrown instanceof MeshError && codes.includes(thrown.code);
}

export type Outcome =
  /** There is no record. */
  | { readonly kind: "absent" }
  /** A newer holder has the place; nothing was written. */
  | { readonly kind: "fenced" }
  | { readonly kind: "unchanged"; readonly record: Resource<PresenceSpec> }
  | { readonly kind: "changed"; readonly before: PresenceSpec; readonly record: Resource<PresenceSpec> }
  /** The Dataplane is gone, and the record with it. `after` is the last state it was in. */
  | { readonly kind: "deleted"; readonly before: PresenceSpec; readonly after: PresenceSpec };

/** A record changes hands a few times at the most; more means that something is wrong. */
const TRIES = 20;

/** The compare-and-set around the pure transitions: read, decide, write if nobody else did meanwhile. */
export class RecordStore {
  readonly #store: ResourceStore;
  readonly #rules: PresenceRules;
  readonly #moment: () => Moment;

  constructor(store: ResourceStore, rules: PresenceRules, moment: () => Moment) {
    this.#store = store;
    this.#rules = rules;
    this.#moment = moment;
  }

  async read(proxy: ProxyId): Promise<Resource<PresenceSpec> | undefined> {
    return (await this.#store.get(presenceKey(proxy))) as Resource<PresenceSpec> | undefined;
  }

  /**
   * Applies the event that `choose` finds for the stored record. `epoch`: the caller's own, so that it is fenced once
   * another has the place; else whatever the epoch is now. Rejects with MM409 when others keep changing the record.
   */
  async change(
    proxy: ProxyId,
    choose: (record: PresenceSpec) => PresenceEvent | undefined,
    epoch?: number,
  ): Promise<Outcome> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#try(proxy, choose, epoch ?? (await this.#store.epoch(presenceKey(proxy))));
      } catch (error) {
        if (epoch !== undefined && hasCode(error, "MM511")) return { kind: "fenced" };
        if (tries === TRIES || !hasCode(error, "MM409", "MM511")) throw error;
      }
    }
  }

  /** Deletes a record that has no Dataplane: its control plane ended between the two writes. */
  async discard(proxy: ProxyId): Promise<void> {
    const epoch = await this.#store.epoch(presenceKey(proxy));
    const record = await this.read(proxy);
    if (!record || (await this.#store.get(dataplaneKey(proxy)))) return;
    const fence = { key: presenceKey(proxy), epoch };
    try {
      await this.#store.delete(presenceKey(proxy), { expectedVersion: record.version, fence });
    } catch (error) {
      if (!hasCode(error, "MM404", "MM409", "MM511")) throw error;
    }
  }

  async #try(
    proxy: ProxyId,
    choose: (record: PresenceSpec) => PresenceEvent | undefined,
    epoch: number,
  ): Promise<Outcome> {
    const record = await this.read(proxy);
    if (!record) return { kind: "absent" };
    const before = record.spec;
    const event = choose(before);
    const after = event ? transition(before, event, this.#moment(), this.#rules) : before;
    if (after === before) return { kind: "unchanged", record };
    if (after === "delete") {
      await this.#remove(proxy, epoch);
      return { kind: "deleted", before, after: before };
    }
    const written = (await this.#store.put(
      { ...presenceKey(proxy), labels: {}, spec: after },
      { expectedVersion: record.version, fence: { key: presenceKey(proxy), epoch } },
    )) as Resource<PresenceSpec>;
    if (after.state !== "left" || this.#rules.afterLeave(after) === "keep")
      return { kind: "changed", before, record: written };
    await this.#remove(proxy, epoch);
    return { kind: "deleted", before, after };
  }

  /** Takes the place itself first, so that a stream that is just opening is not left without its Dataplane. */
  async #remove(proxy: ProxyId, epoch: number): Promise<void> {
    const fence = { key: presenceKey(proxy), epoch: await this.#store.advanceEpoch(presenceKey(proxy), epoch) };
    for (const key of [dataplaneKey(proxy), presenceKey(proxy)]) {
      try {
        await this.#store.delete(key, { fence });
      } catch (error) {
        if (!hasCode(error, "MM404")) throw error;
      }
    }
  }
}
