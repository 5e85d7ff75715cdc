import type { EncodedResource } from "../envoy/encoded-resource.ts";
import { changesBetween, EMPTY_MAP, type ResourceMap } from "./map-changes.ts";
import type { Subscription } from "./subscription.ts";

/** How long the resources of a refused response wait before they may be sent again (contract 4.1: `nackBackoff`). */
export const NACK_BACKOFF_MS = 5000;

/**
 * What one client still has to get of one type. The state is the map it was served up to plus a few names that deviate
 * from it, so a stream at rest costs next to nothing and changes that come while a response is unanswered fold into one.
 */
export class Backlog {
  /** Everything the client wants of this map was handed out by `collect`, `#pending` aside. */
  #base: ResourceMap = EMPTY_MAP;
  /** To be sent although the map did not change: newly asked for, asked for again, or held back. */
  readonly #pending = new Set<string>();
  /** The client has them, the map has not. */
  readonly #gone = new Set<string>();
  /** What the client holds since before this stream. */
  #initialVersions: ReadonlyMap<string, string> | undefined;
  /** Sent, refused, and not sent anew since. */
  readonly #refused = new Set<string>();
  /** Were refused together; each goes into a message of its own, so that a bad one does not keep the others out. */
  readonly #isolated = new Set<string>();
  #held = new Set<string>();
  #heldUntil = 0;

  get hasRefused(): boolean {
    return this.#refused.size > 0;
  }

  get hasGone(): boolean {
    return this.#gone.size > 0;
  }

  /** When something held back becomes due, on the monotonic clock. */
  get dueAt(): number | undefined {
    return this.#held.size > 0 && this.#pending.size > 0 ? this.#heldUntil : undefined;
  }

  /** True if the client got and accepted all it wants of `map`, provided that nothing is unanswered. */
  holds(map: ResourceMap): boolean {
    return this.#base === map && this.#pending.size === 0 && this.#refused.size === 0;
  }

  /** Makes these due whether they changed or not, as soon as they exist. */
  require(names: Iterable<string>): void {
    for (const name of names) this.#pending.add(name);
  }

  /** The whole type again: the client turned the wildcard on late, or asked for the same again. */
  requireAll(): void {
    for (const name of this.#base.keys()) this.#pending.add(name);
  }

  /** The client no longer wants these. */
  forget(names: Iterable<string>): void {
    for (const name of names) {
      this.#pending.delete(name);
      this.#gone.delete(name);
      this.#refused.delete(name);
      this.#isolated.delete(name);
      this.#held.delete(name);
    }
  }

  /** Delta, first request: what the client holds from an earlier stream; only differences are due. */
  assume(versions: ReadonlyMap<string, string>): void {
    if (versions.size > 0) this.#initialVersions = versions;
  }

  /** Moves on to `map` and returns what is due now. What is returned counts as sent. */
  collect(map: ResourceMap, subscription: Subscription, now: number): EncodedResource[] {
    if (map === this.#base && this.#pending.size === 0) return [];
    const due = new Map<string, EncodedResource>();
    if (map !== this.#base) this.#advance(map, subscription, due);
    for (const name of this.#pending) {
      const resource = map.get(name);
      // What does not exist yet shows up as changed once it does.
      if (resource && subscription.wants(name)) due.set(name, resource);
    }
    this.#pending.clear();
    if (this.#held.size > 0) this.#holdBack(due, now);
    return [...due.values()];
  }

  #advance(map: ResourceMap, subscription: Subscription, due: Map<string, EncodedResource>): void {
    const initial = this.#initialVersions;
    const { changed, removed } = changesBetween(this.#base, map);
    for (const resource of changed) {
      if (this.#gone.size > 0) this.#gone.delete(resource.name);
      if (subscription.wants(resource.name) && initial?.get(resource.name) !== resource.version) {
        due.set(resource.name, resource);
      }
    }
    for (const name of removed) {
      this.forget([name]);
      if (subscription.wants(name)) this.#gone.add(name);
    }
    if (initial) {
      for (const name of initial.keys()) if (!map.has(name) && subscription.wants(name)) this.#gone.add(name);
      this.#initialVersions = undefined;
    }
    this.#base = map;
  }

  #holdBack(due: Map<string, EncodedResource>, now: number): void {
    if (now >= this.#heldUntil) {
      this.#held.clear();
      return;
    }
    for (const name of this.#held) {
      if (due.delete(name)) this.#pending.add(name);
    }
  }

  /** Names to be removed from the client, once; they count as sent. */
  takeGone(subscription: Subscription): string[] {
    if (this.#gone.size === 0) return [];
    const names = [...this.#gone].filter((name) => subscription.wants(name));
    this.#gone.clear();
    return names;
  }

  /** Whether this one has to travel alone; asking forgets it. */
  takeIsolated(name: string): boolean {
    return this.#isolated.delete(name);
  }

  accepted(resources: readonly EncodedResource[]): void {
    if (this.#refused.size === 0) return;
    for (const { name } of resources) this.#refused.delete(name);
  }

  /**
   * The client refused a response with these resources and keeps what it had. Nothing of it is sent again for
   * NACK_BACKOFF_MS. One that was refused alone then waits for new content; several are tried once more one by one, as
   * Envoy may have dropped good ones because of a bad one.
   */
  refused(resources: readonly EncodedResource[], now: number): void {
    if (resources.length === 0) return;
    if (now >= this.#heldUntil) this.#held = new Set();
    this.#heldUntil = now + NACK_BACKOFF_MS;
    for (const { name } of resources) {
      this.#refused.add(name);
      this.#held.add(name);
      if (resources.length > 1) {
        this.#isolated.add(name);
        this.#pending.add(name);
      }
    }
  }
}
