import { isDeepStrictEqual } from "node:util";
import { MeshError } from "../kernel/errors.ts";
import { inboundsOf } from "../model/dataplane/access.ts";
import type { SidecarHealth } from "../model/dataplane/sidecar-health.ts";
import type { DataplaneSpec } from "../model/dataplane/spec.ts";
import type { PresenceSpec } from "../model/dataplane-presence.ts";
import type { Resource, ResourceDraft, ResourceKey } from "../model/resource.ts";
import type { ProxyId } from "../push/snapshot.ts";
import type { ResourceStore } from "../store/resource-store.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { ProxyStream } from "./presence.ts";
import type { Holder, PresenceIndex } from "./presence-index.ts";
import { dataplaneKey, hasCode, presenceKey, type RecordStore } from "./record-store.ts";
import { arrive, type Moment, type PresenceRules, placeFor, transition } from "./transition.ts";

export type Admitted =
  | {
      readonly kind: "taken";
      readonly dataplane: Resource;
      readonly epoch: number;
      readonly before: PresenceSpec | undefined;
      readonly record: PresenceSpec;
      /** The index includes the record, or what came after it. */
      readonly shown: boolean;
    }
  /** Another incarnation has the place. */
  | { readonly kind: "parked"; readonly holder: PresenceSpec };

/** The place of a proxy that could not be written down. */
export interface Readmitted {
  readonly dataplane: Resource;
  /** As it would be written. */
  readonly record: PresenceSpec;
}

/** A stream that wants the place of its proxy. */
export interface Candidate {
  readonly stream: ProxyStream;
  /** What its sidecar said last about its applications; undefined for a stock one. */
  readonly health: SidecarHealth | undefined;
}

export interface AdmissionsOptions {
  readonly store: ResourceStore;
  readonly records: RecordStore;
  readonly lifecycles: readonly Lifecycle[];
  readonly index: () => PresenceIndex;
  /** Resolves when the index includes the revision, or with false after a second. */
  readonly reached: (revision: number) => Promise<boolean>;
  /** Whether the watch showed that the incarnation left, also when no record says so any more. */
  readonly hasLeft: (incarnation: string) => boolean;
  readonly rules: PresenceRules;
  readonly moment: () => Moment;
  readonly instance: string;
}

const COULD_NOT_JOIN = "another sidecar of this name wanted to join and could not";

/** Others may change the same proxy meanwhile; more often than this means that something is wrong. */
const TRIES = 20;

/** Gives a stream the place of its proxy: asks the lifecycle, then writes Dataplane and record, fenced by a new epoch. */
export class Admissions {
  readonly #options: AdmissionsOptions;

  constructor(options: AdmissionsOptions) {
    this.#options = options;
  }

  async take(candidate: Candidate): Promise<Admitted> {
    const { stream } = candidate;
    for (let tries = 1; ; tries++) {
      try {
        return await this.#try(candidate);
      } catch (error) {
        // A stream that ended meanwhile takes the place from nobody.
        if (tries === TRIES || stream.signal.aborted || !hasCode(error, "MM409", "MM511")) throw error;
      }
    }
  }

  /**
   * While the store takes no writes: the place of a proxy that is known, at the epoch it had, for as long as nobody takes
   * it. Undefined when something would have to be written that matters to others (a new Dataplane, or a changed one),
   * and when the store cannot be read either. Rejects as `take` when the proxy may not join.
   */
  async readmit({ stream, health }: Candidate): Promise<Readmitted | undefined> {
    const { store, index, hasLeft: left, instance, moment, rules } = this.#options;
    const { proxy, incarnation, peer } = stream;
    const reading = Promise.all([store.get(meshKey(proxy)), store.get(dataplaneKey(proxy))]);
    const [mesh, existing] = await reading.catch(() => []);
    if (!mesh || !existing) return undefined;
    const before = index().record(proxy)?.spec;
    if (placeFor(before, incarnation) !== "take" || left(incarnation)) return undefined;
    const lifecycle = this.#lifecycleOf(stream);
    const { dataplane, ownsDataplane } = await lifecycle.admit({ stream, mesh, existing, previous: before });
    const spec = existing.spec as DataplaneSpec;
    if (!sameDefinition(existing, dataplane) || index().holderOf(proxy, spec, "any")) return undefined;
    const arrival = {
      incarnation,
      instance,
      epoch: before?.epoch ?? 0,
      peer,
      ownsDataplane,
      lifecycle: lifecycle.name,
    };
    const probes = { probedPorts: probedPortsOf(spec), health };
    const record = arrive(before, { ...arrival, ...probes }, moment(), rules);
    return { dataplane: existing, record };
  }

  async #try(candidate: Candidate): Promise<Admitted> {
    const { store, instance, rules, moment } = this.#options;
    const { stream } = candidate;
    const { proxy, incarnation } = stream;
    // The epoch first: whoever changes the record after this read also fences our write.
    const epoch = await store.epoch(presenceKey(proxy));
    const [mesh, existing, stored] = await Promise.all([
      store.get(meshKey(proxy)),
      store.get(dataplaneKey(proxy)),
      store.get(presenceKey(proxy)) as Promise<Resource<PresenceSpec> | undefined>,
    ]);
    const before = stored?.spec;
    const place = placeFor(before, incarnation);
    if (place === "refuse" || this.#options.hasLeft(incarnation)) throw hasLeft(proxy);
    if (!mesh) throw noMesh(proxy);
    const lifecycle = this.#lifecycleOf(stream);
    const admission = await lifecycle.admit({ stream, mesh, existing, previous: before });
    if (place === "park" && before) return { kind: "parked", holder: before };
    const spec = admission.dataplane.spec as DataplaneSpec;
    const holder = this.#options.index().holderOf(proxy, spec, "any");
    if (holder) throw addressTaken(proxy, holder);

    const record = arrive(
      before,
      {
        incarnation,
        instance,
        epoch: epoch + 1,
        peer: stream.peer,
        lifecycle: lifecycle.name,
        ownsDataplane: admission.ownsDataplane,
        probedPorts: probedPortsOf(spec),
        health: candidate.health,
      },
      moment(),
      rules,
    );
    const { dataplane, revision } = await this.#write(admission.dataplane, existing, record, stored);
    const shown = await this.#options.reached(revision);
    // What others did at the same moment is visible now.
    const late = this.#options.hasLeft(incarnation);
    const rival = this.#options.index().holderOf(proxy, spec, "earlier");
    if (late || rival) {
      await this.#undo(proxy, before, existing === undefined, record);
      throw rival ? addressTaken(proxy, rival) : hasLeft(proxy);
    }
    return { kind: "taken", dataplane, epoch: record.epoch, before, record, shown };
  }

  /**
   * In one write, so that nothing is left half done. The epoch moves with it, which fences who had the place before. The
   * order is for those who are told change by change: a new Dataplane must never be seen without its record (it would be
   * the last choice for a moment), and a returning proxy's old address never as healthy.
   */
  async #write(
    draft: ResourceDraft,
    existing: Resource | undefined,
    spec: PresenceSpec,
    stored: Resource<PresenceSpec> | undefined,
  ): Promise<{ readonly dataplane: Resource; readonly revision: number }> {
    const key = presenceKey(draft);
    const record = {
      draft: { ...key, labels: {}, spec },
      expectedVersion: stored?.version ?? 0,
      owner: dataplaneKey(draft),
    };
    const owner = existing ? undefined : meshKey(draft);
    const definition = { draft, expectedVersion: existing?.version ?? 0, owner };
    const unchanged = existing && sameDefinition(existing, draft) ? existing : undefined;
    const puts = unchanged ? [record] : existing ? [definition, record] : [record, definition];
    try {
      const written = await this.#options.store.putAll(puts, { key, epoch: spec.epoch - 1 });
      const dataplane = unchanged ?? (written[puts.indexOf(definition)] as Resource);
      return { dataplane, revision: (written.at(-1) as Resource).revision };
    } catch (error) {
      if (hasCode(error, "MM404")) throw deletedMeanwhile(error);
      throw error;
    }
  }

  /** Takes back what `#write` wrote: another proxy joined with the same address at the same time and was faster. */
  async #undo(
    proxy: ProxyId,
    before: PresenceSpec | undefined,
    created: boolean,
    { epoch }: PresenceSpec,
  ): Promise<void> {
    const { records } = this.#options;
    if (created) await records.remove(proxy, epoch);
    else if (!before) await records.discard(proxy, epoch);
    else await records.replace(proxy, epoch, this.#withoutHolder({ ...before, epoch }));
  }

  /** The one that had the place before was already told that it lost it. */
  #withoutHolder(before: PresenceSpec): PresenceSpec {
    const now = this.#options.moment();
    const after = transition(
      before,
      { type: "closed", reason: COULD_NOT_JOIN, lastSeen: now, keepEndpoints: false },
      now,
      this.#options.rules,
    );
    return after === "delete" ? before : after;
  }

  #lifecycleOf(stream: ProxyStream): Lifecycle {
    const fitting = this.#options.lifecycles.filter((lifecycle) => lifecycle.accepts(stream));
    const [only] = fitting;
    if (only && fitting.length === 1) return only;
    const names = (fitting.length > 1 ? fitting : this.#options.lifecycles).map((each) => each.name).join(", ");
    throw new MeshError(
      "MM801",
      `${fitting.length === 0 ? "no lifecycle plugin serves" : "several lifecycle plugins serve"} ${describe(stream.proxy)}`,
      { why: `Asked: ${names || "none, because none is configured"}.` },
    );
  }
}

/** MM409: what was there when it was read is there no more. */
function deletedMeanwhile(cause: unknown): MeshError {
  return new MeshError("MM409", "the Dataplane or its mesh was deleted meanwhile", { cause });
}

/** Refuses a sidecar that said goodbye: its Dataplane must not come back because its Envoy has not ended yet. */
function hasLeft(proxy: ProxyId): MeshError {
  return new MeshError("MM700", `the sidecar of ${describe(proxy)} has left`, {
    why: "It said that it ends; its Envoy only gets configuration again from a sidecar that was started anew.",
  });
}

function noMesh(proxy: ProxyId): MeshError {
  return new MeshError("MM404", `mesh "${proxy.mesh}" does not exist`, {
    where: describe(proxy),
    todo: "Create the mesh first, or correct `mesh` in the definition.",
  });
}

function addressTaken(proxy: ProxyId, holder: Holder): MeshError {
  return new MeshError("MM710", `${holder.address} belongs to Dataplane "${holder.proxy.name}" already`, {
    where: describe(proxy),
    why: `Its sidecar is connected from ${holder.peer}. Traffic for the one would reach the other.`,
    todo: "Give this Dataplane another inbound port or address, or stop the other sidecar.",
  });
}

function probedPortsOf(spec: DataplaneSpec): number[] {
  return inboundsOf(spec).flatMap((inbound) => (inbound.serviceProbe ? [inbound.port] : []));
}

function describe(proxy: ProxyId): string {
  return `Dataplane "${proxy.name}" of mesh "${proxy.mesh}"`;
}

function meshKey(proxy: { readonly mesh: string }): ResourceKey {
  return { type: "Mesh", mesh: "", name: proxy.mesh };
}

/** Whether a put would change nothing but the time: then there is no put, and nobody has to look at it. */
function sameDefinition(existing: Resource, draft: ResourceDraft): boolean {
  if (draft === existing) return true;
  const { spec, labels } = JSON.parse(JSON.stringify({ spec: draft.spec, labels: draft.labels })) as ResourceDraft;
  return isDeepStrictEqual(spec, existing.spec) && isDeepStrictEqual(labels, existing.labels);
}
