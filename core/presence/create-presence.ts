import type { EventLog } from "../events/event-log.ts";
import type { Clock } from "../kernel/clock.ts";
import type { Logger } from "../kernel/log.ts";
import type { Scope } from "../kernel/scope.ts";
import { CONTROL_PLANE_HEARTBEAT, type HeartbeatSpec } from "../model/control-plane-heartbeat.ts";
import { DATAPLANE_PRESENCE, type PresenceSpec } from "../model/dataplane-presence.ts";
import type { Acknowledgements } from "../push/acknowledgements.ts";
import { leadershipOf } from "../store/leadership.ts";
import type { Change, ResourceStore } from "../store/resource-store.ts";
import { Admissions } from "./admission.ts";
import { ControlPlanes } from "./control-planes.ts";
import { Heartbeat, heartbeatKey } from "./heartbeat.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { ObservedClock } from "./observed-clock.ts";
import { buildOutlook, type PresenceOutlook } from "./outlook.ts";
import type { AbsenceObserver, Presence } from "./presence.ts";
import { PresenceCore } from "./presence-core.ts";
import { PresenceIndex } from "./presence-index.ts";
import { RecordStore } from "./record-store.ts";
import { StoreFollower } from "./store-follower.ts";
import { Sweeper } from "./sweep.ts";
import type { Moment, PresenceRules } from "./transition.ts";

/** All times in milliseconds. */
export interface PresenceSettings {
  /** `KUMA_METRICS_DATAPLANE_IDLE_TIMEOUT`. Default 5 minutes. */
  readonly idleTimeoutMs?: number | undefined;
  /** `KUMA_RUNTIME_UNIVERSAL_DATAPLANE_CLEANUP_AGE`. Default 72 hours. */
  readonly cleanupAgeMs?: number | undefined;
  /** How long proxies of a control plane that ended count as connected. Default 60 s. */
  readonly graceMs?: number | undefined;
  /** Between two heartbeats of this control plane. Default 30 s. */
  readonly heartbeatMs?: number | undefined;
  /** How long a leaving proxy waits for its consumers. Default 2 s. */
  readonly leaveTimeoutMs?: number | undefined;
  /**
   * Whether an inbound with a service probe gets no traffic before its first good probe. True only where something
   * calls `report` (HDS, or sidecars that probe). Default false.
   */
  readonly awaitProbes?: boolean | undefined;
}

export interface PresenceOptions {
  readonly store: ResourceStore;
  /** Exactly one of them must accept a stream. */
  readonly lifecycles: readonly Lifecycle[];
  readonly acknowledgements: Acknowledgements;
  readonly clock: Clock;
  /** For what concerns the control plane; what happens to proxies is told to `events`. */
  readonly log: Logger;
  readonly events: EventLog;
  /** When it closes, streams that end are no losses, and the last heartbeat is written: it must close before the store. */
  readonly scope: Scope;
  /** Unique for each start of each control plane. */
  readonly instance: string;
  readonly settings?: PresenceSettings | undefined;
  /** Told when a proxy is finally away; the insight tracker. */
  readonly observer?: AbsenceObserver | undefined;
}

/** Waiting longer for our own watch would keep a proxy out for a reason that is not its own; milliseconds. */
const LONGEST_CATCH_UP_MS = 1000;

/**
 * The state machine of proxies (design.md, "Presence of a proxy") over a store that other control planes may share.
 * Resolves when it knows what is stored and its first heartbeat is written; rejects when the store cannot do that.
 */
export async function createPresence(options: PresenceOptions): Promise<Presence & PresenceOutlook> {
  const { store, lifecycles, acknowledgements, clock, log, events, scope, instance, observer } = options;
  const settings = options.settings ?? {};
  const heartbeatMs = settings.heartbeatMs ?? 30_000;
  const graceMs = settings.graceMs ?? 60_000;
  const rules: PresenceRules = {
    idleTimeoutMs: settings.idleTimeoutMs ?? 300_000,
    cleanupAgeMs: settings.cleanupAgeMs ?? 72 * 3_600_000,
    awaitProbes: settings.awaitProbes ?? false,
    afterLeave: (record) => lifecycles.find((each) => each.name === record.lifecycle)?.afterLeave(record) ?? "keep",
  };
  const observed = new ObservedClock(clock, 2 * heartbeatMs);
  const controlPlanes = new ControlPlanes(heartbeatMs, graceMs);
  const moment = (): Moment => ({ wall: clock.now(), observed: observed.now() });
  let index = new PresenceIndex();
  let whole = false;

  const follower = new StoreFollower({
    store,
    types: [DATAPLANE_PRESENCE, "Dataplane", CONTROL_PLANE_HEARTBEAT],
    clock,
    log,
    signal: scope.signal,
    onReset() {
      index = new PresenceIndex();
      whole = false;
    },
    onChange: (change) => {
      if (change.resource.type === CONTROL_PLANE_HEARTBEAT) {
        heard(change);
        return;
      }
      if (change.op === "put" && change.resource.type === DATAPLANE_PRESENCE) {
        // Somebody has seen this much already, even if the row that said so is lost.
        observed.raise((change.resource.spec as PresenceSpec).lastSeenObserved);
      }
      const changed = index.apply(change);
      if (!changed || !whole) return;
      core.recordChanged(changed);
      sweeper?.consider(changed.proxy);
    },
    onWhole() {
      whole = true;
      core.reviewAll();
      sweeper?.restart();
    },
  });
  const reached = async (revision: number): Promise<boolean> => {
    const patience = new AbortController();
    using _timer = clock.after(LONGEST_CATCH_UP_MS, () => patience.abort());
    const signal = AbortSignal.any([patience.signal, scope.signal]);
    await follower.reached(revision, signal);
    return !signal.aborted;
  };
  const records = new RecordStore(store, rules, moment);
  const core: PresenceCore = new PresenceCore({
    store,
    admissions: new Admissions({
      store,
      records,
      lifecycles,
      index: () => index,
      reached,
      hasLeft: (incarnation) => core.hasLeft(incarnation),
      rules,
      moment,
      instance,
    }),
    records,
    acknowledgements,
    index: () => index,
    reached,
    clock,
    events,
    signal: scope.signal,
    moment,
    instance,
    leaveTimeoutMs: settings.leaveTimeoutMs ?? 2000,
    observer,
  });
  let sweeper: Sweeper | undefined;

  function heard(change: Change): void {
    const { name } = change.resource;
    const row = change.resource.spec as HeartbeatSpec;
    if (change.op === "delete") return;
    const jumped = observed.raise(row.observed);
    // Our own row is news only while it is the one of an earlier life.
    if (name !== instance && whole) controlPlanes.heard(name, row, observed.now());
    else if (!whole) controlPlanes.found(name, row, observed.now());
    if (jumped) sweeper?.hurry();
  }

  await follower.start();
  const leadership = leadershipOf(store);
  const heartbeat = new Heartbeat({
    store,
    clock,
    log,
    observed,
    instance,
    intervalMs: heartbeatMs,
    onBack() {
      controlPlanes.excuse(observed.now());
      sweeper?.restart();
    },
  });
  await heartbeat.start();
  const start = observed.now();
  sweeper = new Sweeper({
    clock,
    observed,
    controlPlanes,
    index: () => index,
    rules,
    instance,
    ownGoneAt: index.openAt(instance).length > 0 ? start + graceMs : Number.POSITIVE_INFINITY,
    responsible: () => leadership.leads && heartbeat.trouble === undefined,
    orphans: () => core.orphans(),
    onDue: (proxy) => core.elapsed(proxy),
    onGone: (proxies, gone, lastBeat) => core.gone(proxies, gone, lastBeat),
    onForgotten(gone) {
      controlPlanes.remove(gone);
      store.delete(heartbeatKey(gone)).catch(() => undefined);
    },
  });
  sweeper.restart();
  scope.own(leadership.onChange(() => sweeper?.restart()));
  // An earlier control plane may have ended between writing such a record and telling its insight.
  for (const proxy of index.absent()) {
    const spec = index.record(proxy)?.spec;
    if (spec && (spec.state === "offline" || spec.state === "left")) observer?.absent(proxy, spec.lastSeen);
  }

  const stop = async () => {
    core.stop();
    sweeper?.stop();
    await heartbeat.stop();
  };
  const onAbort = () => core.stop();
  scope.signal.addEventListener("abort", onAbort, { once: true });
  scope.defer(stop);
  return {
    open: (stream) => core.open(stream),
    leave: (proxy, incarnation) => core.leave(proxy, incarnation),
    left: (proxy, incarnation) => core.left(proxy, incarnation),
    report: (proxy, incarnation, report) => core.report(proxy, incarnation, report),
    outlook(record) {
      // What this control plane holds it has heard of: a stream that answers no ping is ended within 15 s.
      const lastBeat = record.instance === instance ? moment() : controlPlanes.lastBeat(record.instance);
      return buildOutlook(record, rules, moment(), lastBeat);
    },
    storeTrouble: () => heartbeat.trouble,
    stop,
  };
}
