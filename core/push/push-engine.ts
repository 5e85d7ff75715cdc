import { type BuildResource, loadBuilders } from "../envoy/load-builders.ts";
import type { ChangeOutcome } from "../events/event.ts";
import type { Clock } from "../kernel/clock.ts";
import { toMeshError } from "../kernel/errors.ts";
import type { Logger } from "../kernel/log.ts";
import { Outflow } from "../kernel/outflow.ts";
import type { Scope } from "../kernel/scope.ts";
import { PolicyCatalogue } from "../policy/policy-catalogue.ts";
import type { ResourceStore } from "../store/resource-store.ts";
import type { MeshView } from "../view/mesh-view.ts";
import { AcknowledgementTracker } from "./acknowledgement-tracker.ts";
import type { Acknowledgements } from "./acknowledgements.ts";
import { notCurrent } from "./change-outcome.ts";
import type { Configurations, RevisionRange } from "./configurations.ts";
import { type Concern, spreadDirt } from "./dirty-rules.ts";
import { FlushScheduler } from "./flush-scheduler.ts";
import type { Freshness } from "./freshness.ts";
import { MeshPicture } from "./mesh-picture.ts";
import { type PolicyName, policiesBehind } from "./policies-behind.ts";
import { planProxy } from "./proxy-plan.ts";
import { ProxyRegistry } from "./proxy-registry.ts";
import { Histogram, type PushStats } from "./push-stats.ts";
import type { PushedProxy } from "./pushed-proxy.ts";
import { RefreshQueue } from "./refresh-queue.ts";
import { ResourceSets } from "./resource-set.ts";
import { type SharedResource, SharedResources } from "./shared-resources.ts";
import {
  type ProxyId,
  proxyText,
  type Snapshot,
  type SnapshotSource,
  type SnapshotSubscription,
  type SubscribeOptions,
} from "./snapshot.ts";
import type { ResolveName } from "./system-dns.ts";
import { TimeSlice } from "./time-slice.ts";

export interface PushEngineOptions {
  readonly store: ResourceStore;
  readonly clock: Clock;
  readonly log: Logger;
  /** The engine lives as long as this scope. */
  readonly scope: Scope;
  /** How DNS names of Dataplanes are resolved: `createSystemDns`. */
  readonly resolve: ResolveName;
  /** Whether answers that Envoy makes itself say so. Default true. */
  readonly explainReplies?: boolean | undefined;
  /** The policy types and what the stored policies mean. Default: there are none. */
  readonly policies?: PolicyCatalogue | undefined;
  /** Default: `loadBuilders`, which is called for the first subscriber. */
  readonly builders?: (() => Promise<BuildResource>) | undefined;
}

/** Begins to follow the store. Snapshots flow as soon as the first picture is whole. */
export function createPushEngine(options: PushEngineOptions): PushEngine {
  return new PushEngine(options);
}

/**
 * From changes in the store to snapshots of proxies (design.md, "How a change flows"; docs/engine.md). A change of
 * endpoints touches one ClusterLoadAssignment and the lists that hold it; a change of a definition plans one proxy anew.
 * What several proxies need is built once. Nothing runs unless something changed.
 */
export class PushEngine implements SnapshotSource, Acknowledgements, Configurations {
  /** For the transport to tell of its writes: what one proxy is sent leaves before the next one is looked at. */
  readonly outflow = new Outflow();
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #scope: Scope;
  readonly #explainReplies: boolean;
  readonly #builders: () => Promise<BuildResource>;
  readonly #policies: PolicyCatalogue;
  readonly #picture: MeshPicture;
  readonly #shared = new SharedResources((mesh, service) => this.#picture.views.endpoints(mesh, service));
  readonly #sets = new ResourceSets(this.#shared);
  readonly #proxies = new ProxyRegistry(this.#sets);
  readonly #scheduler: FlushScheduler;
  readonly #tracker: AcknowledgementTracker;
  readonly #slice: TimeSlice;
  readonly #convergence = new Histogram();
  readonly #queue = new RefreshQueue();
  /** Proxies with a subscriber that waits for a revision. */
  readonly #awaiting = new Map<PushedProxy, number>();
  readonly #advanced = new Set<() => void>();
  #snapshots = 0;

  constructor(options: PushEngineOptions) {
    const { clock, log, scope } = options;
    this.#clock = clock;
    this.#log = log;
    this.#scope = scope;
    this.#explainReplies = options.explainReplies ?? true;
    this.#builders = options.builders ?? loadBuilders;
    this.#slice = new TimeSlice(clock);
    this.#scheduler = new FlushScheduler({ clock, scope, flush: (all) => this.#flush(all) });
    this.#policies = options.policies ?? new PolicyCatalogue([]);
    const picture = new MeshPicture({
      ...options,
      policyTypes: this.#policies.names,
      onDirt: (view, dirt) =>
        spreadDirt({ proxies: this.#proxies, shared: this.#shared }, view, dirt, (proxy, concern) =>
          this.#mark(proxy, concern),
        ),
      onAdvance: () => this.#advance(),
    });
    this.#picture = picture;
    this.#tracker = new AcknowledgementTracker({
      revision: () => picture.revision,
      consumers: (mesh, services) => this.#consumers(mesh, services),
      isPending: (proxy) => this.#queue.has(proxy),
    });
    scope.defer(() => this.#advance());
  }

  subscribe(
    id: ProxyId,
    onSnapshot: (snapshot: Snapshot) => void,
    options: SubscribeOptions = {},
  ): SnapshotSubscription {
    const proxy = this.#proxies.enter(id);
    const subscriber = proxy.subscribe(onSnapshot, options);
    this.#mark(proxy);
    return {
      acknowledged: (type, revision) => {
        if (!proxy.subscribers.has(subscriber)) return;
        const took = proxy.acknowledge(subscriber, type, revision, this.#clock);
        if (took !== undefined) this.#convergence.observe(took);
        this.#tracker.acknowledged(proxy);
      },
      [Symbol.dispose]: () => {
        if (!proxy.unsubscribe(subscriber) || proxy.subscribers.size > 0) return;
        this.#queue.delete(proxy);
        this.#awaiting.delete(proxy);
        this.#proxies.leave(proxy);
        this.#tracker.gone(proxy);
      },
    };
  }

  waitFor: Acknowledgements["waitFor"] = (mesh, services, revision, options) =>
    this.#tracker.waitFor(mesh, services, revision, options);

  freshness(id: ProxyId): Freshness | undefined {
    return this.#proxies.get(id)?.freshness();
  }

  async applied(mesh: string, { from, to }: RevisionRange, signal: AbortSignal): Promise<ChangeOutcome> {
    const started = this.#clock.monotonic();
    await Promise.race([this.settled(to), aborted(signal)]);
    const concerned = [...this.#proxies.ofMesh(mesh)].filter((proxy) => proxy.givenRevision >= from);
    const missing = await notCurrent(concerned, signal);
    const took = Math.round(this.#clock.monotonic() - started);
    return { concerned: concerned.length, acknowledged: concerned.length - missing.length, missing, took };
  }

  /** The picture of a mesh, for whoever shows or explains it. Read it in the same turn: it changes in place. */
  view(mesh: string): MeshView | undefined {
    return this.#picture.views.get(mesh);
  }

  /** The policies that gave a listener or cluster of a proxy one of its values, strongest first. */
  policiesBehind({ mesh, name }: ProxyId, resource: string): readonly PolicyName[] {
    const view = this.#picture.views.get(mesh);
    return view ? policiesBehind(view, name, this.#policies.of(view), resource) : [];
  }

  /** Resolves when the picture includes `revision` and every subscriber was given what followed from it, or the scope closed. */
  async settled(revision = 0): Promise<void> {
    while (this.#picture.revision < revision && !this.#scope.closed) {
      await new Promise<void>((resolve) => this.#advanced.add(resolve));
    }
    await this.#scheduler.settled();
  }

  stats(): PushStats {
    return {
      revision: this.#picture.revision,
      meshes: this.#picture.views.size,
      proxies: this.#proxies.size,
      pending: this.#queue.size,
      resources: this.#shared.stats(),
      sets: this.#sets.size,
      hosts: this.#picture.hosts,
      flushes: this.#scheduler.stats.count,
      lastFlushMs: this.#scheduler.stats.lastMs,
      longestSliceMs: Math.max(this.#picture.longestSliceMs, this.#slice.longest),
      snapshots: this.#snapshots,
      convergence: this.#convergence.stats(),
    };
  }

  #consumers(mesh: string, services: readonly string[]): Iterable<PushedProxy> {
    const view = this.#picture.views.get(mesh);
    return view ? services.flatMap((service) => [...this.#proxies.consumers(view, service)]) : [];
  }

  #mark(proxy: PushedProxy, concern?: Concern): void {
    if (concern?.needsPlan) proxy.needsPlan = true;
    proxy.changedAt = Math.min(proxy.changedAt, this.#clock.monotonic());
    const place = this.#queue.add(proxy);
    if (place === "newcomers") this.#scheduler.requestUrgent();
    else if (place === "next") this.#scheduler.request(concern?.canWait);
  }

  #advance(): void {
    for (const [proxy, revision] of this.#awaiting) {
      if (this.#picture.revision < revision) continue;
      this.#awaiting.delete(proxy);
      this.#mark(proxy);
    }
    for (const resolve of this.#advanced) resolve();
    this.#advanced.clear();
    this.#tracker.advanced();
  }

  /** Never rejects. `all`: not only those who have nothing yet. */
  async #flush(all: boolean): Promise<void> {
    try {
      const [build] = await Promise.all([this.#builders(), this.#picture.complete()]);
      const concerned = this.#queue.begin(all);
      const visit = (proxy: PushedProxy) => {
        this.#queue.delete(proxy);
        if (this.#scope.closed) return undefined;
        if (proxy.needsPlan) return this.#planAndRefresh(proxy, build);
        this.#refresh(proxy, this.#picture.revision);
        return undefined;
      };
      // Who is planned anew may need its clusters and ask for their endpoints, and others shall not wait for that.
      const answersWait = !concerned.values().some(({ needsPlan }) => needsPlan);
      await this.#slice.each(concerned, this.outflow, visit, answersWait);
      this.#tracker.progressed();
    } catch (thrown) {
      this.#log.error("push-failed", `No proxy can be served: ${toMeshError(thrown).message}`);
    }
  }

  /** Gives a proxy what it should have now. Never throws: one that cannot be served keeps what it has and harms no other. */
  #refresh(proxy: PushedProxy, revision: number): void {
    try {
      const snapshot = proxy.refresh(revision, this.#clock.monotonic(), this.#clock.now());
      if (!snapshot) return;
      for (const subscriber of proxy.subscribers) {
        if (subscriber.delivered === snapshot) continue;
        if (!subscriber.delivered && subscriber.atLeast > revision) {
          this.#await(proxy, subscriber.atLeast);
          continue;
        }
        subscriber.delivered = snapshot;
        this.#snapshots++;
        subscriber.onSnapshot(snapshot);
      }
    } catch (thrown) {
      this.#failed(proxy, thrown);
    }
  }

  /** Never rejects. */
  async #planAndRefresh(proxy: PushedProxy, build: BuildResource): Promise<void> {
    this.#queue.refreshing = proxy;
    let revision: number | undefined;
    try {
      revision = await this.#plan(proxy, build);
    } catch (thrown) {
      this.#failed(proxy, thrown);
    }
    this.#queue.refreshing = undefined;
    this.#refresh(proxy, revision ?? this.#picture.revision);
  }

  #failed(proxy: PushedProxy, thrown: unknown): void {
    const error = toMeshError(thrown);
    const fields = { proxy: proxyText(proxy.id), code: error.code, stack: error.stack };
    this.#log.error("push-failed", `${proxyText(proxy.id)} keeps what it has: ${error.message}`, fields);
  }

  /**
   * Finds and takes what a proxy needs; returns the revision at which it needs it. Undefined if that cannot be said now:
   * the proxy keeps what it has then, and its endpoints stay up to date.
   */
  async #plan(proxy: PushedProxy, build: BuildResource): Promise<number | undefined> {
    const { mesh, name } = proxy.id;
    const { revision, views } = this.#picture;
    proxy.needsPlan = false;
    const view = views.get(mesh);
    const options = { policies: view && this.#policies.of(view), explainReplies: this.#explainReplies };
    const plan = view && planProxy(view, name, proxy.features, options);
    if (!plan) return undefined;
    const taken: SharedResource[] = [];
    try {
      for (const input of plan.resources) {
        taken.push(this.#shared.take(input, build));
        if (this.#slice.over()) await this.#slice.pause();
      }
      for (const assignment of plan.assignments) {
        taken.push(this.#shared.takeAssignment(mesh, assignment));
        if (this.#slice.over()) await this.#slice.pause();
      }
    } catch (thrown) {
      for (const resource of taken) this.#shared.release(resource);
      throw thrown;
    }
    if (proxy.subscribers.size > 0) proxy.replaceResources(taken);
    else for (const resource of taken) this.#shared.release(resource);
    return revision;
  }

  #await(proxy: PushedProxy, revision: number): void {
    if (this.#picture.revision >= revision) this.#mark(proxy);
    else this.#awaiting.set(proxy, Math.min(revision, this.#awaiting.get(proxy) ?? revision));
  }
}

/** Resolves when the signal aborts. */
function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
