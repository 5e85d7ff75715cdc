import type { ErrorCode } from "../kernel/error-table.ts";
import { MeshError } from "../kernel/errors.ts";
import { DATAPLANE_PRESENCE, type PresenceSpec } from "../model/dataplane-presence.ts";
import type { Resource, ResourceKey } from "../model/resource.ts";
import type { ProxyId } from "../push/snapshot.ts";
import type { Fence, ResourceStore, WriteOptions } from "../store/resource-store.ts";
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
  /** There is no record, or no Dataplane that could have one. */
  | { readonly kind: "absent" }
  | { readonly kind: "unchanged"; readonly record: Resource<PresenceSpec> }
  | { readonly kind: "changed"; readonly before: PresenceSpec; readonly record: Resource<PresenceSpec> }
  /** The Dataplane is gone, and the record with it. `after` is the last state it was in. */
  | { readonly kind: "deleted"; readonly before: PresenceSpec; readonly after: PresenceSpec };

/** A record changes hands a few times at the most; more means that something is wrong. */
const TRIES = 20;

/**
 * The compare-and-set around the pure transitions: read the epoch, read the record, decide, write if neither changed. A
 * holder that lost its place finds another epoch in the record than its own, and has nothing to say any more.
 */
export class RecordStore {
  readonly #store: ResourceStore;
  readonly #rules: PresenceRules;
  readonly #moment: () => Moment;

  constructor(store: ResourceStore, rules: PresenceRules, moment: () => Moment) {
    this.#store = store;
    this.#rules = rules;
    this.#moment = moment;
  }

  /** Applies the event that `choose` finds for the stored record. Rejects with MM409 when others keep changing it. */
  change(proxy: ProxyId, choose: (record: PresenceSpec) => PresenceEvent | undefined): Promise<Outcome> {
    return this.#try(proxy, async (record, fence): Promise<Outcome> => {
      const before = record.spec;
      const event = choose(before);
      const after = event ? transition(before, event, this.#moment(), this.#rules) : before;
      if (after === before) return { kind: "unchanged", record };
      if (after === "delete") {
        await this.#remove(proxy, record, fence);
        return { kind: "deleted", before, after: before };
      }
      const written = await this.#put(proxy, after, record, fence);
      if (!written) return { kind: "absent" };
      if (after.state !== "left" || this.#rules.afterLeave(after) === "keep") {
        return { kind: "changed", before, record: written };
      }
      await this.#remove(proxy, written, fence);
      return { kind: "deleted", before, after };
    }).then((outcome) => outcome ?? { kind: "absent" });
  }

  /** Writes `spec` over the record that the holder of `epoch` wrote, if it is still there. */
  async replace(proxy: ProxyId, epoch: number, spec: PresenceSpec): Promise<void> {
    await this.#try(proxy, async (record, fence) => {
      if (record.spec.epoch === epoch) await this.#put(proxy, spec, record, fence);
    });
  }

  /** Deletes Dataplane and record, if the record is still the one that the holder of `epoch` wrote. */
  async remove(proxy: ProxyId, epoch: number): Promise<void> {
    await this.#try(proxy, async (record, fence) => {
      if (record.spec.epoch === epoch) await this.#remove(proxy, record, fence);
    });
  }

  /** Deletes the record alone. `epoch`: only if it is still the one that this holder wrote. */
  async discard(proxy: ProxyId, epoch?: number): Promise<void> {
    await this.#try(proxy, async (record, fence) => {
      if (epoch !== undefined && record.spec.epoch !== epoch) return;
      await this.#delete(presenceKey(proxy), { expectedVersion: record.version, fence });
    });
  }

  /** Undefined if there is no record. */
  async #try<T>(
    proxy: ProxyId,
    act: (record: Resource<PresenceSpec>, fence: Fence) => Promise<T>,
  ): Promise<T | undefined> {
    const key = presenceKey(proxy);
    for (let tries = 1; ; tries++) {
      try {
        // The epoch first: whoever takes the place after this read makes the write fail.
        const epoch = await this.#store.epoch(key);
        const record = (await this.#store.get(key)) as Resource<PresenceSpec> | undefined;
        return record ? await act(record, { key, epoch }) : undefined;
      } catch (error) {
        if (tries === TRIES || !hasCode(error, "MM409", "MM511")) throw error;
      }
    }
  }

  async #put(
    proxy: ProxyId,
    spec: PresenceSpec,
    over: Resource<PresenceSpec>,
    fence: Fence,
  ): Promise<Resource<PresenceSpec> | undefined> {
    const options = { expectedVersion: over.version, fence, owner: dataplaneKey(proxy) };
    try {
      return (await this.#store.put({ ...presenceKey(proxy), labels: {}, spec }, options)) as Resource<PresenceSpec>;
    } catch (error) {
      // The Dataplane is not there yet, or not any more.
      if (hasCode(error, "MM404")) return undefined;
      throw error;
    }
  }

  /**
   * Takes the place itself first, so that a stream that is just opening is not left without its Dataplane. One that took the
   * place before may have written its record since `record` was read: MM409 then, and nothing is removed.
   */
  async #remove(proxy: ProxyId, record: Resource<PresenceSpec>, { key, epoch }: Fence): Promise<void> {
    const fence = { key, epoch: await this.#store.advanceEpoch(key, epoch) };
    const now = await this.#store.get(key);
    if (now?.version !== record.version) throw new MeshError("MM409", "the record was changed meanwhile");
    await this.#delete(dataplaneKey(proxy), { fence });
    await this.#delete(key, { fence });
  }

  async #delete(key: ResourceKey, options: WriteOptions): Promise<void> {
    try {
      await this.#store.delete(key, options);
    } catch (error) {
      if (!hasCode(error, "MM404")) throw error;
    }
  }
}
