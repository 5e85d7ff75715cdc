import assert from "node:assert/strict";
import type { PresenceSpec } from "../../../core/model/dataplane-presence.ts";
import type { HealthModel } from "./health-model.ts";
import { type ControlPlane, type Join, MINUTE, SECOND } from "./world.ts";

/* What must hold for a proxy after each step of a random sequence, whatever the step was. */

export const SETTINGS = {
  idleTimeoutMs: 5 * MINUTE,
  cleanupAgeMs: 12 * MINUTE,
  graceMs: 60 * SECOND,
  heartbeatMs: 30 * SECOND,
};
/** What a crash can hide: the time since the last heartbeat. */
const BLUR = SETTINGS.heartbeatMs + SECOND;

/** What the test itself knows of a proxy, without looking at records. */
export interface Known {
  readonly name: string;
  readonly port: number;
  readonly direct: boolean;
  /** A stock sidecar: it says that it drains, and has no /leave. The others say how their applications are. */
  readonly stock: boolean;
  readonly health: HealthModel;
  incarnations: number;
  /** The last incarnations that had the place since the record was made, newest last. */
  held: readonly string[];
  /** Incarnations whose leave was accepted, and whose left was. */
  readonly leaving: Set<string>;
  readonly gone: Set<string>;
  /** All of these, also when every control plane has forgotten them: their streams wait for nothing. */
  readonly departed: Set<string>;
  /** Whether the stored Dataplane was made by the user. */
  byUser: boolean;
  /** Time that was really observed, when the proxy last gave a sign of life; undefined if it never did. */
  lastSeen: number | undefined;
  /** Crashes since then; each may hide a little time. */
  crashes: number;
  before: PresenceSpec | undefined;
  /** Revision that made the Dataplane. */
  createdAt: number | undefined;
  /** Whose stream had the place then. */
  holder: Join | undefined;
}

export interface LiveJoin {
  readonly known: Known;
  readonly join: Join;
  readonly controlPlane: ControlPlane;
}

export interface Observed {
  /** Milliseconds during which some control plane was up. */
  readonly observed: number;
  /** Control planes that are up. */
  readonly instances: readonly string[];
}

export function checkShape(known: Known, record: PresenceSpec | undefined, exists: boolean): void {
  if (!record) return;
  assert.ok(exists, `${known.name} has a record but no Dataplane`);
  const endpoints = {
    connected: "healthy",
    leaving: "withdrawn",
    lost: "degraded",
    offline: "degraded",
    left: "withdrawn",
  };
  assert.equal(record.endpoints, endpoints[record.state], `${known.name} is ${record.state}`);
  if (known.leaving.has(record.incarnation)) assert.equal(record.endpoints, "withdrawn", "a leave is final");
  if (record.leave === "draining") assert.ok(known.stock && record.state === "leaving", "only stock sidecars drain");
  if (record.open) known.health.check(record);
  if (known.gone.has(record.incarnation)) assert.equal(record.state, "left", "a sidecar that left is back");
}

export function checkHolder(
  known: Known,
  record: PresenceSpec | undefined,
  joins: readonly LiveJoin[],
  { observed, instances }: Observed,
): void {
  const active = joins.filter(({ join }) => join.state === "active");
  assert.ok(active.length <= 1, `${known.name} has ${active.length} holders`);
  const [holder] = active;
  if (holder) {
    known.lastSeen = observed;
    known.crashes = 0;
    assert.equal(record?.incarnation, holder.join.stream.incarnation, "the record names another than the holder");
    assert.equal(record.instance, holder.controlPlane.instance);
    assert.ok(["connected", "leaving", "left"].includes(record.state), `the holder is ${record.state}`);
  }
  const live = record !== undefined && instances.includes(record.instance);
  if (record?.open && live) assert.ok(holder, `${known.name} is ${record.state} without a stream`);
  if (!record) {
    known.held = [];
    return;
  }
  // It came and went between two looks.
  known.lastSeen ??= observed;
  const { before } = known;
  if (before && before.incarnation !== record.incarnation && before.state === "connected" && before.open) {
    const stillThere =
      joins.some(({ join }) => join === known.holder) && !record.departed?.includes(before.incarnation);
    const again = record.displaced.length > 0 && known.held.includes(record.incarnation);
    assert.ok(!stillThere || !again, `${record.incarnation} took the place twice from a connected one`);
  }
  const others = record.displaced.length === 0 ? [] : known.held.filter((each) => each !== record.incarnation);
  // The record remembers eight. The place may change hands unseen between two looks, so only half as many are sure.
  known.held = [...others, record.incarnation].slice(-4);
}

export function checkAbsence(
  known: Known,
  record: PresenceSpec | undefined,
  exists: boolean,
  did: string,
  observed: number,
): void {
  const { before, lastSeen } = known;
  const blur = BLUR * (1 + known.crashes);
  const absent = lastSeen === undefined ? undefined : observed - lastSeen;
  if (did.startsWith("jump")) assert.equal(record?.state, before?.state, "a jump of the wall clock changed a state");
  if (before && !record && !exists && did.startsWith("advance")) {
    const leaving = known.leaving.has(before.incarnation) || before.leave === "draining";
    const wasLeaving = leaving && before.ownsDataplane;
    const owned = before.state === "left" && before.ownsDataplane;
    const late = absent !== undefined && absent >= SETTINGS.cleanupAgeMs - blur;
    assert.ok(wasLeaving || owned || late, `${known.name} was deleted ${absent} ms after its last sign of life`);
  }
  if (known.byUser && lastSeen === undefined) assert.ok(exists, "a Dataplane that never connected was deleted");
  if (record?.state === "offline" && before?.state !== "offline" && absent !== undefined) {
    assert.ok(absent >= SETTINGS.idleTimeoutMs - blur, `${known.name} is offline after ${absent} ms`);
  }
  if (record?.state === "lost" && absent !== undefined) {
    const limit = SETTINGS.idleTimeoutMs + SETTINGS.graceMs + 2 * blur;
    assert.ok(absent <= limit, `${known.name} is still lost after ${absent} ms`);
  }
  if (exists && absent !== undefined && record) {
    const limit = SETTINGS.cleanupAgeMs + SETTINGS.graceMs + 2 * blur;
    assert.ok(absent <= limit, `${known.name} is still there after ${absent} ms`);
  }
}
