import { XDS_TYPES, type XdsType } from "../envoy/encoded-resource.ts";
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

type Revisions = Record<XdsType, number>;

const NONE = -1;

/** What one proxy was given and what its streams confirmed, by type. */
export class Confirmations {
  readonly #wanted = revisions();
  readonly #held = new Map<string, Revisions>();
  #resources: Snapshot["resources"] | undefined;
  #newest = NONE;
  #acknowledged: number | undefined;
  #behind = 0;
  #since = 0;

  /** The proxy was given a snapshot in which these types changed. `now` is wall time. */
  given({ revision, resources }: Snapshot, changed: readonly XdsType[], now: number): void {
    for (const type of changed) this.#wanted[type] = revision;
    this.#resources = resources;
    this.#newest = revision;
    if (this.#behind === 0) this.#since = now;
    this.#behind++;
  }

  /** A stream holds all resources of a type as of a revision. True if the proxy is current now and was not before. */
  confirmed(streamId: string, type: XdsType, revision: number, now: number): boolean {
    const held = this.#held.get(streamId) ?? revisions();
    this.#held.set(streamId, held);
    held[type] = revision;
    if (this.#behind === 0 || !this.#isWhole(held)) return false;
    this.#acknowledged = this.#newest;
    this.#behind = 0;
    this.#since = now;
    return true;
  }

  forget(streamId: string): void {
    this.#held.delete(streamId);
  }

  /** Whether a stream holds a type as of this revision or later. */
  holds(type: XdsType, revision: number): boolean {
    return this.#held.values().some((held) => held[type] >= revision);
  }

  /** Revision at which a type last changed; undefined before the first snapshot. */
  wanted(type: XdsType): number | undefined {
    return this.#wanted[type] === NONE ? undefined : this.#wanted[type];
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

  /** Envoy does not ask for types of which it needs nothing, so an empty one needs no confirmation. */
  #isWhole(held: Revisions): boolean {
    return XDS_TYPES.every((type) => held[type] >= this.#wanted[type] || this.#resources?.[type].size === 0);
  }
}

function revisions(): Revisions {
  return { cluster: NONE, endpoint: NONE, secret: NONE, listener: NONE, route: NONE };
}
