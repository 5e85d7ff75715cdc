import { XDS_TYPES, type XdsType } from "../envoy/encoded-resource.ts";
import type { Clock } from "../kernel/clock.ts";
import { Confirmations, type Freshness, isConfirmed, noRevisions, type Revisions } from "./freshness.ts";
import type { ResourceSet, ResourceSets } from "./resource-set.ts";
import type { SharedResource } from "./shared-resources.ts";
import type { ProxyId, Snapshot, SubscribeOptions } from "./snapshot.ts";

/** One stream that wants a proxy's snapshots. */
export interface Subscriber {
  readonly onSnapshot: (snapshot: Snapshot) => void;
  /** See `SubscribeOptions`; counts until the first snapshot. */
  readonly atLeast: number;
  delivered: Snapshot | undefined;
  /** What it confirmed. */
  readonly held: Revisions;
}

/** A change on its way to a proxy, for the time it takes. */
interface Unconfirmed {
  readonly since: number;
  readonly revision: number;
  readonly types: readonly XdsType[];
}

type Sets = Readonly<Record<XdsType, ResourceSet>>;

/** One proxy that somebody subscribed to: what it needs, what it was given and what it confirmed. */
export class PushedProxy {
  readonly id: ProxyId;
  readonly subscribers = new Set<Subscriber>();
  features: readonly string[] = [];
  /** Its definition, or the protocol of a service it consumes, changed since it was planned. */
  needsPlan = true;
  /** Monotonic time of the oldest change that it was not given yet; infinite when there is none. */
  changedAt = Number.POSITIVE_INFINITY;
  readonly #sets: ResourceSets;
  #mine: Sets | undefined;
  #snapshot: Snapshot | undefined;
  readonly #confirmations = new Confirmations();
  /** Who waits for the proxy to be current. */
  readonly #waiting = new Set<() => void>();
  #unconfirmed: Unconfirmed | undefined;

  constructor(id: ProxyId, sets: ResourceSets) {
    this.id = id;
    this.#sets = sets;
  }

  subscribe(onSnapshot: (snapshot: Snapshot) => void, options: SubscribeOptions): Subscriber {
    const subscriber: Subscriber = {
      onSnapshot,
      atLeast: options.atLeast ?? 0,
      delivered: undefined,
      held: noRevisions(),
    };
    this.subscribers.add(subscriber);
    const features = options.features ?? [];
    if (features.join() !== this.features.join()) this.needsPlan = true;
    this.features = features;
    return subscriber;
  }

  /** Takes over resources that the caller has taken, and lets go of those it had. */
  replaceResources(resources: readonly SharedResource[]): void {
    const byType = Map.groupBy(resources, ({ type }) => type);
    const before = this.#mine;
    this.#mine = Object.fromEntries(
      XDS_TYPES.map((type) => [type, this.#sets.enter(type, byType.get(type) ?? [], this)]),
    ) as Record<XdsType, ResourceSet>;
    if (before)
      for (const type of XDS_TYPES) if (before[type] !== this.#mine[type]) this.#sets.leave(before[type], this);
  }

  /**
   * Replaces the snapshot if anything in it changed, and returns it; undefined for a proxy that could not be planned yet.
   * `now` is monotonic, `wall` is not.
   */
  refresh(revision: number, now: number, wall: number): Snapshot | undefined {
    const sets = this.#mine;
    if (!sets) return undefined;
    const before = this.#snapshot;
    const { cluster, endpoint, secret, listener, route } = sets;
    const resources = {
      cluster: cluster.current(),
      endpoint: endpoint.current(),
      secret: secret.current(),
      listener: listener.current(),
      route: route.current(),
    };
    const changed = before ? typesThatDiffer(before.resources, resources) : XDS_TYPES;
    if (changed.length > 0) {
      const since = before ? { ...before.since } : noRevisions();
      for (const type of changed) since[type] = revision;
      this.#snapshot = { revision, since, resources };
      this.#confirmations.given(this.#snapshot, wall);
      if (before && this.changedAt < Number.POSITIVE_INFINITY) this.#expect(revision, changed, now);
    }
    this.changedAt = Number.POSITIVE_INFINITY;
    return this.#snapshot;
  }

  /** Whether one of its subscribers has nothing yet. */
  get hasNewcomer(): boolean {
    for (const { delivered } of this.subscribers) if (delivered === undefined) return true;
    return false;
  }

  /** Returns how long the oldest unconfirmed change took, in milliseconds, once all of it is confirmed. */
  acknowledge({ held }: Subscriber, type: XdsType, revision: number, clock: Clock): number | undefined {
    held[type] = revision;
    if (this.#confirmations.confirmed(held, clock.now)) for (const listener of this.#waiting) listener();
    const unconfirmed = this.#unconfirmed;
    if (!unconfirmed || revision < unconfirmed.revision) return undefined;
    const lists = this.#snapshot?.resources;
    if (!unconfirmed.types.every((each) => isConfirmed(held[each], unconfirmed.revision, lists?.[each])))
      return undefined;
    this.#unconfirmed = undefined;
    return clock.monotonic() - unconfirmed.since;
  }

  /** False if it was none. What it confirmed no longer counts. */
  unsubscribe(subscriber: Subscriber): boolean {
    this.#unconfirmed = undefined;
    return this.subscribers.delete(subscriber);
  }

  /**
   * Whether the proxy holds the endpoints of store revision `revision`, given that it is not waiting for a refresh: a
   * revision that changed nothing for it counts as acknowledged with the one that did. Envoy does not ask for endpoints
   * when it needs none; that it has let go of the last ones shows in the clusters that it acknowledges.
   */
  holdsEndpoints(revision: number): boolean {
    const snapshot = this.#snapshot;
    if (!snapshot) return false;
    const type = snapshot.resources.endpoint.size === 0 ? "cluster" : "endpoint";
    const needed = Math.min(revision, snapshot.since[type]);
    return this.subscribers.values().some(({ held }) => held[type] >= needed);
  }

  freshness(): Freshness | undefined {
    return this.#confirmations.freshness();
  }

  /** Revision of the newest snapshot it was given; -1 before the first. */
  get givenRevision(): number {
    return this.#snapshot?.revision ?? -1;
  }

  /** Whether it has acknowledged all that it was given. */
  get isCurrent(): boolean {
    return this.#confirmations.isCurrent;
  }

  /** Calls back each time it becomes current. */
  onCurrent(listener: () => void): Disposable {
    this.#waiting.add(listener);
    return { [Symbol.dispose]: () => void this.#waiting.delete(listener) };
  }

  release(): void {
    if (this.#mine) for (const type of XDS_TYPES) this.#sets.leave(this.#mine[type], this);
    this.#mine = undefined;
  }

  /** An older change that is still on its way is the one that is measured; one that nobody confirms gives way in the end. */
  #expect(revision: number, types: readonly XdsType[], now: number): void {
    if (this.#unconfirmed && now - this.#unconfirmed.since < GIVE_UP_MS) return;
    this.#unconfirmed = { since: this.changedAt, revision, types };
  }
}

const GIVE_UP_MS = 60_000;

const NOTHING: readonly XdsType[] = [];
const ONLY_ENDPOINTS: readonly XdsType[] = ["endpoint"];

/** What a change of endpoints concerns is found without a property by a variable name, which is looked up each time. */
function typesThatDiffer(before: Snapshot["resources"], after: Snapshot["resources"]): readonly XdsType[] {
  const rest =
    before.cluster === after.cluster &&
    before.secret === after.secret &&
    before.listener === after.listener &&
    before.route === after.route;
  if (rest) return before.endpoint === after.endpoint ? NOTHING : ONLY_ENDPOINTS;
  return XDS_TYPES.filter((type) => before[type] !== after[type]);
}
