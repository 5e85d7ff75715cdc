import { token } from "../kernel/token.ts";
import type { PresenceSpec } from "../model/dataplane-presence.ts";
import { deadlineOf, type Moment, type PresenceRules } from "./transition.ts";

/** What a record does not say itself. Times in milliseconds since 1970. */
export interface Outlook {
  /** Last sign of life. Of a connected proxy it is the last heartbeat of the control plane that holds its stream. */
  readonly lastSeen: number;
  /** When the idle timeout makes a lost proxy Offline; undefined if it does not. */
  readonly offlineAt: number | undefined;
  /** When the cleanup age deletes the Dataplane; undefined if it does not. */
  readonly deletedAt: number | undefined;
}

/** Tells what will become of a proxy if nothing happens, and as long as some control plane is up; and whether it can be written. */
export interface PresenceOutlook {
  outlook(record: PresenceSpec): Outlook;
  /** What keeps this control plane from writing to the store, as of its last heartbeat; undefined if nothing does. */
  storeTrouble(): string | undefined;
}

export const PresenceOutlook = token<PresenceOutlook>("PresenceOutlook");

export function buildOutlook(
  record: PresenceSpec,
  rules: PresenceRules,
  now: Moment,
  lastBeat: Moment | undefined,
): Outlook {
  const { state, open, lastSeen, lastSeenObserved } = record;
  const wallOf = (observed: number) => now.wall + Math.max(0, observed - now.observed);
  const lost = state === "lost" ? lastSeenObserved + rules.idleTimeoutMs : undefined;
  const cleanup = lastSeenObserved + rules.cleanupAgeMs;
  const collected = deadlineOf(record, rules) !== undefined && state !== "leaving";
  return {
    lastSeen: open && lastBeat ? Math.max(lastSeen, lastBeat.wall) : lastSeen,
    offlineAt: lost !== undefined && lost < cleanup ? wallOf(lost) : undefined,
    deletedAt: collected ? wallOf(cleanup) : undefined,
  };
}
