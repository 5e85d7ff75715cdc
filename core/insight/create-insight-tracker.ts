import type { XdsType } from "../envoy/encoded-resource.ts";
import type { Clock } from "../kernel/clock.ts";
import { MeshError, toMeshError } from "../kernel/errors.ts";
import type { Logger } from "../kernel/log.ts";
import type { Scope } from "../kernel/scope.ts";
import type { Resource } from "../model/resource.ts";
import type { DataplaneInsightSpec } from "../model/types/dataplane-insight.ts";
import { type ProxyId, proxyText } from "../push/snapshot.ts";
import type { ResourceStore } from "../store/resource-store.ts";
import type { StreamNode } from "../xds/stream-events.ts";
import type { InsightTracker, StreamInsight } from "./insight-tracker.ts";
import { mergeInsight } from "./merge-insight.ts";
import { Subscription } from "./subscription.ts";

export interface InsightTrackerOptions {
  readonly store: ResourceStore;
  readonly clock: Clock;
  readonly log: Logger;
  /** When it closes, what is left is written: it must close before the store. */
  readonly scope: Scope;
  /** Id of this control plane, as subscriptions show it. */
  readonly instance: string;
  /** Longest time between two writes of a proxy that never rests; milliseconds. Kuma: `dataplaneStatusFlushInterval`, 10 s. */
  readonly flushMs?: number | undefined;
  /** Subscriptions kept for each proxy. Kuma: `subscriptionLimit`, 2; 0 keeps none. */
  readonly subscriptionLimit?: number | undefined;
}

/** A proxy that changed waits this long, so that what belongs together is one write; milliseconds. */
const SHORTEST_MS = 1000;
/**
 * Time between two writes that only bring counters up to date; milliseconds. One endpoint change is acknowledged by every
 * consumer, and a write costs about 1 ms: at one a second they take 0.1 % of a core, however large the mesh is. Whoever asks
 * the control plane that holds a stream sees its counters as they are (`withCounters`); only others see those of the store.
 */
const COUNTERS_EVERY_MS = 1000;
/** Counters that wait longer than this go together, which saves most of the cost; milliseconds. */
const COUNTERS_TOGETHER_MS = 10_000;
/** Writes under way at the same time. A store takes writes that wait together in one commit. */
const MOST_AT_ONCE = 32;
/** Others may write the same document; more often than this in a row they do not. */
const TRIES = 5;

interface Entry {
  readonly proxy: ProxyId;
  readonly subscriptions: Map<string, Subscription>;
  /** Ids that ended; forgotten once that is written. */
  readonly ended: Set<string>;
  /** Ids that opened since the last write. */
  opened: Set<string>;
  metadata: Readonly<Record<string, unknown>> | undefined;
  absentSince: number | undefined;
  /** Monotonic time of the next write; undefined when there is nothing to write. */
  due: number | undefined;
  /** Monotonic time of the last write, and how far apart writes are at present. */
  written: number;
  interval: number;
  writing: boolean;
}

export function createInsightTracker(options: InsightTrackerOptions): InsightTracker {
  const tracker = new Tracker(options);
  options.scope.defer(() => tracker.close());
  return tracker;
}

class Tracker implements InsightTracker {
  readonly #options: InsightTrackerOptions;
  readonly #flushMs: number;
  readonly #limit: number;
  readonly #entries = new Map<string, Entry>();
  readonly #dirty = new Set<Entry>();
  #timer: Disposable | undefined;
  #timerDue = Number.POSITIVE_INFINITY;
  /** Monotonic time at which the next write of mere counters may be due. */
  #nextCounters = Number.NEGATIVE_INFINITY;
  #writing = 0;
  /** Something is due, but too many writes are under way. */
  #crowded = false;
  readonly #idle = new Set<() => void>();
  #troubled = false;
  #closed = false;

  constructor(options: InsightTrackerOptions) {
    this.#options = options;
    this.#flushMs = options.flushMs ?? 10_000;
    this.#limit = options.subscriptionLimit ?? 2;
  }

  opened(proxy: ProxyId, streamId: string, node: StreamNode): StreamInsight {
    const { clock, instance } = this.#options;
    const entry = this.#entry(proxy);
    const known = entry.subscriptions.get(streamId);
    const subscription = known ?? new Subscription(streamId, instance, node, clock.now());
    entry.subscriptions.set(streamId, subscription);
    entry.ended.delete(streamId);
    entry.opened.add(streamId);
    entry.metadata = node.metadata;
    this.#mark(entry, 0);
    const count = (type: XdsType, counter: Parameters<Subscription["count"]>[1]) => {
      subscription.count(type, counter, clock.now());
      this.#markCounters(entry);
    };
    return {
      sent: (type) => count(type, "responsesSent"),
      acknowledged: (type) => count(type, "responsesAcknowledged"),
      rejected: (type, refusal) => {
        subscription.reject(type, refusal, clock.now());
        this.#mark(entry, SHORTEST_MS);
      },
      closed: () => {
        entry.ended.add(streamId);
        this.#mark(entry, 0);
      },
    };
  }

  absent(proxy: ProxyId, lastSeen: number): void {
    const entry = this.#entry(proxy);
    entry.absentSince = lastSeen;
    this.#mark(entry, 0);
  }

  withCounters(proxy: ProxyId, stored: DataplaneInsightSpec): DataplaneInsightSpec {
    const held = this.#entries.get(proxyText(proxy))?.subscriptions;
    if (!held || held.size === 0) return stored;
    const subscriptions = stored.subscriptions?.map((each) => {
      const status = held.get(each.id)?.build().status;
      return status ? { ...each, status } : each;
    });
    return { ...stored, subscriptions };
  }

  async flush(): Promise<void> {
    for (const entry of this.#dirty) entry.due = Number.NEGATIVE_INFINITY;
    this.#pump();
    while (this.#writing > 0) await new Promise<void>((resolve) => this.#idle.add(resolve));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer?.[Symbol.dispose]();
    await this.flush();
  }

  #entry(proxy: ProxyId): Entry {
    const text = proxyText(proxy);
    const entry = this.#entries.get(text) ?? {
      proxy,
      subscriptions: new Map<string, Subscription>(),
      ended: new Set<string>(),
      opened: new Set<string>(),
      metadata: undefined,
      absentSince: undefined,
      due: undefined,
      written: Number.NEGATIVE_INFINITY,
      interval: SHORTEST_MS,
      writing: false,
    };
    this.#entries.set(text, entry);
    return entry;
  }

  /** Something changed; it is written after `patience` milliseconds, later if this proxy was written a moment ago. */
  #mark(entry: Entry, patience: number): void {
    const now = this.#options.clock.monotonic();
    const due =
      patience === 0 ? now : Math.max(now + Math.min(patience, this.#flushMs), entry.written + entry.interval);
    entry.due = Math.min(entry.due ?? due, due);
    this.#dirty.add(entry);
    this.#arm(entry.due);
  }

  /** As above, for what nobody waits for: these writes take turns. */
  #markCounters(entry: Entry): void {
    if (entry.due !== undefined) return;
    const now = this.#options.clock.monotonic();
    const due = Math.max(
      now + Math.min(SHORTEST_MS, this.#flushMs),
      entry.written + entry.interval,
      this.#nextCounters,
    );
    this.#nextCounters = due + COUNTERS_EVERY_MS;
    const farOff = due - now > COUNTERS_TOGETHER_MS;
    entry.due = farOff ? Math.ceil(due / COUNTERS_TOGETHER_MS) * COUNTERS_TOGETHER_MS : due;
    this.#dirty.add(entry);
    this.#arm(entry.due);
  }

  #arm(due: number): void {
    if (due >= this.#timerDue || this.#closed) return;
    this.#timer?.[Symbol.dispose]();
    this.#timerDue = due;
    const wait = Math.max(0, due - this.#options.clock.monotonic());
    this.#timer = this.#options.clock.after(wait, () => {
      this.#timerDue = Number.POSITIVE_INFINITY;
      this.#pump();
    });
  }

  #pump(): void {
    const now = this.#options.clock.monotonic();
    let next = Number.POSITIVE_INFINITY;
    this.#crowded = false;
    for (const entry of this.#dirty) {
      if (entry.writing || entry.due === undefined) continue;
      if (entry.due > now) next = Math.min(next, entry.due);
      else void this.#write(entry);
      // The others go when one of these is done.
      this.#crowded = this.#writing >= MOST_AT_ONCE;
      if (this.#crowded) return;
    }
    this.#arm(next);
  }

  async #write(entry: Entry): Promise<void> {
    this.#writing++;
    entry.writing = true;
    this.#dirty.delete(entry);
    const now = this.#options.clock.monotonic();
    const busy = now - entry.written < 2 * entry.interval;
    entry.interval = busy ? Math.min(this.#flushMs, entry.interval * 2) : Math.min(this.#flushMs, SHORTEST_MS);
    entry.written = now;
    entry.due = undefined;
    try {
      await this.#put(entry);
      this.#troubled = false;
    } catch (error) {
      this.#failed(entry, error);
    } finally {
      entry.writing = false;
      this.#writing--;
      if (entry.due === undefined) this.#tidy(entry);
      if (this.#crowded || entry.due !== undefined) this.#pump();
      if (this.#writing === 0) for (const resolve of this.#idle) resolve();
      if (this.#writing === 0) this.#idle.clear();
    }
  }

  async #put(entry: Entry): Promise<void> {
    const { store, clock } = this.#options;
    const key = { type: "DataplaneInsight", mesh: entry.proxy.mesh, name: entry.proxy.name };
    const { opened, metadata, absentSince } = entry;
    const ended = [...entry.ended];
    entry.opened = new Set();
    entry.metadata = undefined;
    entry.absentSince = undefined;
    try {
      for (let tries = 1; ; tries++) {
        const stored = (await store.get(key)) as Resource<DataplaneInsightSpec> | undefined;
        const isOpen = stored?.spec.subscriptions?.some((each) => each.disconnectTime === undefined);
        if (entry.subscriptions.size === 0 && !isOpen) return;
        const subscriptions = [...entry.subscriptions.values()];
        const news = {
          subscriptions: subscriptions.map((each) => each.build()),
          opened,
          absentSince,
          metadata,
          rejections: subscriptions.at(-1)?.rejections.slice(),
        };
        const spec = mergeInsight(stored?.spec, news, clock.now(), this.#limit);
        try {
          const owner = { ...key, type: "Dataplane" };
          await store.put({ ...key, labels: {}, spec }, { expectedVersion: stored?.version ?? 0, owner });
          break;
        } catch (error) {
          if (tries === TRIES || !(error instanceof MeshError && error.code === "MM409")) throw error;
        }
      }
    } catch (error) {
      // It is all said again with the next write.
      for (const id of opened) entry.opened.add(id);
      entry.metadata ??= metadata;
      entry.absentSince ??= absentSince;
      throw error;
    }
    for (const id of ended) {
      if (!entry.ended.delete(id)) continue;
      entry.subscriptions.delete(id);
    }
  }

  #failed(entry: Entry, error: unknown): void {
    const { code, message } = toMeshError(error);
    // The Dataplane is gone, and its insight with it.
    if (code === "MM404") {
      entry.opened.clear();
      entry.absentSince = undefined;
      for (const id of entry.ended) entry.subscriptions.delete(id);
      entry.ended.clear();
      return;
    }
    if (!this.#troubled) this.#options.log.warn("insight", `status documents cannot be written now: ${message}`);
    this.#troubled = true;
    if (this.#closed) return;
    this.#mark(entry, this.#flushMs);
  }

  #tidy(entry: Entry): void {
    const quiet = entry.opened.size === 0 && entry.ended.size === 0 && entry.absentSince === undefined;
    if (entry.subscriptions.size === 0 && quiet) this.#entries.delete(proxyText(entry.proxy));
  }
}
