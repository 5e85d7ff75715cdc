import type { ErrorCode } from "../kernel/error-table.ts";
import type { LogLevel } from "../kernel/log.ts";

/** What can happen in a mesh, each with its word in a line (docs/status.md, "Events"). */
export const EVENT_KINDS = [
  /** A proxy connected for the first time, or after it had left. */
  "joined",
  /** A proxy that was lost or offline is connected again. */
  "back",
  /** An inbound of a connected proxy is not ready, as its sidecar says; it is again. */
  "not-ready",
  "ready",
  /** A proxy was asked to stop and drains; the second line of that says who confirmed. */
  "leaving",
  /** A proxy left in an orderly way. */
  "gone",
  /** A proxy's stream ended without a word. */
  "lost",
  /** A lost proxy gave no sign of life for the idle timeout. */
  "offline",
  /** Something may not join, or a token is not valid. */
  "refused",
  /** Two sidecars of one name run on different hosts. */
  "twice",
  /** Envoy does not accept a configuration and goes on with the one before. */
  "rejected",
  /** So much of a mesh was lost at once that its endpoints stay in use. */
  "mass-loss",
  /** A resource was written or deleted: by a user, or a Dataplane by the cleanup. */
  "created",
  "updated",
  "deleted",
  /** The store could not take what happened to a proxy. */
  "store",
] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

/** Which proxies took over a change. */
export interface ChangeOutcome {
  /** Connected proxies whose configuration the change, or one pushed together with it, altered. */
  readonly concerned: number;
  /** Those of them that acknowledged all of it. */
  readonly acknowledged: number;
  /** Names of the others. */
  readonly missing: readonly string[];
  /** Milliseconds from the commit until the last acknowledgement, or until the control plane stopped waiting. */
  readonly took: number;
}

/** What is told of an event; the log adds when, and an id. */
export interface EventNews {
  readonly kind: EventKind;
  /** `debug`: a line for developers only, which is not kept. */
  readonly level: LogLevel;
  /** Empty for resources that belong to no mesh. */
  readonly mesh: string;
  /** Type and name of the resource it is about; both empty for a mesh as a whole. */
  readonly type: string;
  readonly name: string;
  /** The rest of the line; may be empty. */
  readonly detail: string;
  readonly code?: ErrorCode | undefined;
  /** Who wrote the resource, as REST knows the caller. */
  readonly user?: string | undefined;
  readonly outcome?: ChangeOutcome | undefined;
  /** When it happened, if that is not now; milliseconds since 1970. */
  readonly time?: number | undefined;
}

/** Something that happened. */
export interface MeshEvent extends EventNews {
  /** `<instance of the control plane>.<number>`; numbers grow by one. */
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly time: number;
}
