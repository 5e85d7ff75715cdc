import type { XdsType } from "../envoy/encoded-resource.ts";
import type { ResourceList } from "./resource-list.ts";
import type { Snapshot } from "./snapshot.ts";

/** How far a proxy is with its configuration, as the control plane that holds its stream knows it. */
export interface Freshness {
  /** Store revision of the newest configuration it was given. */
  readonly wanted: number;
  /** Store revision of the newest one that it acknowledged as a whole; undefined before the first. */
  readonly acknowledged: number | undefined;
  /** Configurations it was given since then; 0 when it is current. */
  readonly behind: number;
  /** Since when it is current, or behind; milliseconds since 1970. */
  readonly since: number;
}

/** A store revision for each type. */
export type Revisions = Record<XdsType, number>;

const NONE = -1;

/** What one proxy was given and how far its streams confirmed it, by type. */
export class Confirmations {
  #wanted: Readonly<Revisions> = noRevisions();
  #resources: Snapshot["resources"] | undefined;
  #newest = NONE;
  #acknowledged: number | undefined;
  #behind = 0;
  #since = 0;

  /** The proxy was given another snapshot. `now` is wall time. */
  given({ revision, resources, since }: Snapshot, now: number): void {
    this.#wanted = since;
    this.#resources = resources;
    this.#newest = revision;
    if (this.#behind === 0) this.#since = now;
    this.#behind++;
  }

  /** A stream holds more than before. True if the proxy is current now and was not before. `now` as above. */
  confirmed(held: Readonly<Revisions>, now: () => number): boolean {
    if (this.#behind === 0 || !this.#isWhole(held)) return false;
    this.#acknowledged = this.#newest;
    this.#behind = 0;
    this.#since = now();
    return true;
  }

  /** Whether the newest snapshot is confirmed; there must be one. */
  get isCurrent(): boolean {
    return this.#newest !== NONE && this.#behind === 0;
  }

  /** Undefined before the first snapshot. */
  freshness(): Freshness | undefined {
    if (this.#newest === NONE) return undefined;
    return { wanted: this.#newest, acknowledged: this.#acknowledged, behind: this.#behind, since: this.#since };
  }

  #isWhole(held: Readonly<Revisions>): boolean {
    const [wanted, resources] = [this.#wanted, this.#resources];
    // Spelled out, as it is asked for each acknowledgement: a property by a variable name is looked up each time.
    return (
      isConfirmed(held.cluster, wanted.cluster, resources?.cluster) &&
      isConfirmed(held.endpoint, wanted.endpoint, resources?.endpoint) &&
      isConfirmed(held.secret, wanted.secret, resources?.secret) &&
      isConfirmed(held.listener, wanted.listener, resources?.listener) &&
      isConfirmed(held.route, wanted.route, resources?.route)
    );
  }
}

/**
 * Whether who holds revision `held` of a type has confirmed revision `wanted` of it, `list` being all it should have.
 * Envoy does not ask for types of which it needs nothing, so an empty list needs no confirmation.
 */
export function isConfirmed(held: number, wanted: number, list: ResourceList | undefined): boolean {
  return held >= wanted || list?.size === 0;
}

export function noRevisions(): Revisions {
  return { cluster: NONE, endpoint: NONE, secret: NONE, listener: NONE, route: NONE };
}
