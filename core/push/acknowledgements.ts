import { token } from "../kernel/token.ts";
import type { ProxyId } from "./snapshot.ts";

/** Who has not confirmed a change in time. */
export interface AcknowledgedResult {
  /** Consumers that had to confirm. */
  readonly total: number;
  /** Consumers that did not: named, so that the user can look at them. */
  readonly missing: readonly ProxyId[];
}

/** Answers "does every proxy that uses these services know of revision R?" (design.md, presence: graceful leave). */
export interface Acknowledgements {
  /**
   * Waits until every connected consumer of `services` in `mesh`, `except` aside, has acknowledged endpoints of a
   * snapshot with revision >= `revision`, or the signal aborts (it then resolves, naming who is missing). A NACK or a
   * consumer that went away is not an acknowledgement; one that went away is missing.
   */
  waitFor(
    mesh: string,
    services: readonly string[],
    revision: number,
    options: { readonly except: ProxyId; readonly signal: AbortSignal },
  ): Promise<AcknowledgedResult>;
}

export const Acknowledgements = token<Acknowledgements>("Acknowledgements");
