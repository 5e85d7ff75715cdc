import type { EncodedResource } from "../envoy/encoded-resource.ts";
import { ResourceList } from "../push/resource-list.ts";
import { changesBetween } from "./list-changes.ts";
import type { Subscription } from "./subscription.ts";

/** How long the resources of a refused response wait before they may be sent again (contract 4.1: `nackBackoff`). */
export const NACK_BACKOFF_MS = 5000;

const NOTHING: readonly EncodedResource[] = [];

/** Something that the list no longer has. */
interface Gone {
  /** Its last content; undefined if it was gone before this stream began. */
  readonly resource: EncodedResource | undefined;
  /** Version that the client holds; undefined if that is not known for sure. */
  readonly heldVersion: string | undefined;
}

/** What became of refused resources; made with the first refusal of a stream. */
interface Refusals {
  /** Sent, refused, and not sent anew since. */
  readonly refused: Set<string>;
  /** Were refused together; each goes into a message of its own, so that a bad one does not keep the others out. */
  readonly isolated: Set<string>;
  readonly held: Set<string>;
  heldUntil: number;
}

/**
 * What one client still has to get of one type. The state is the list it was served up to plus a few names that deviate
 * from it, so a stream at rest costs next to nothing and changes that come while a response is unanswered fold into one.
 */
export class Backlog {
  /** Everything the client wants of this list was handed out by `collect`, `#pending` aside. */
  #base: ResourceList = ResourceList.EMPTY;
  /**
   * To be sent although the list did not change: newly asked for, asked for again, or held back. Here and below: undefined
   * while it is empty, as it is for most of the time in thousands of streams.
   */
  #pending: Map<string, EncodedResource | undefined> | undefined;
  /** Gone from the list, but not yet removed from the client. */
  #gone: Map<string, Gone> | undefined;
  /** What the client holds since before this stream. */
  #initialVersions: ReadonlyMap<string, string> | undefined;
  #refusals: Refusals | undefined;

  get hasRefused(): boolean {
    return this.#refusals !== undefined && this.#refusals.refused.size > 0;
  }

  get hasGone(): boolean {
    return this.#gone !== undefined;
  }

  /** When something held back becomes due, on the monotonic clock. */
  get dueAt(): number | undefined {
    const refusals = this.#refusals;
    return refusals && refusals.held.size > 0 && this.#pending ? refusals.heldUntil : undefined;
  }

  /** True if the client got and accepted all it wants of `list`, provided that nothing is unanswered. */
  holds(list: ResourceList): boolean {
    return this.#base === list && !this.#pending && !this.hasRefused;
  }

  /** Makes these due whether they changed or not, as soon as they exist. `from` has their content, should they go meanwhile. */
  require(names: Iterable<string>, from: ResourceList = ResourceList.EMPTY): void {
    for (const name of names) {
      this.#require(name, from.get(name) ?? this.#pending?.get(name));
      this.#doubt(name);
    }
  }

  /** The whole type again: the client turned the wildcard on late, or asked for the same again. */
  requireAll(): void {
    for (const resource of this.#base) this.#require(resource.name, resource);
  }

  /** The client no longer wants these. */
  forget(names: Iterable<string>): void {
    for (const name of names) {
      this.#pending?.delete(name);
      this.#gone?.delete(name);
      this.#refusals?.refused.delete(name);
      this.#refusals?.isolated.delete(name);
      this.#refusals?.held.delete(name);
    }
    if (this.#pending?.size === 0) this.#pending = undefined;
    if (this.#gone?.size === 0) this.#gone = undefined;
  }

  /** Delta, first request: what the client holds from an earlier stream; only differences are due. */
  assume(versions: ReadonlyMap<string, string>): void {
    if (versions.size > 0) this.#initialVersions = versions;
  }

  /** Moves on to `list` and returns what is due now. What is returned counts as sent. */
  collect(list: ResourceList, subscription: Subscription, now: number): readonly EncodedResource[] {
    if (list === this.#base && !this.#pending) return NOTHING;
    const changed = list === this.#base ? NOTHING : this.#advance(list, subscription);
    const holdsBack = this.#refusals !== undefined && this.#refusals.held.size > 0;
    // Most changes, to thousands of streams, need no map.
    if (!this.#pending && !holdsBack) return changed;
    const due = new Map(changed.map((resource) => [resource.name, resource]));
    if (this.#pending) this.#addPending(this.#pending, list, subscription, due);
    if (this.#refusals && holdsBack) this.#holdBack(this.#refusals, due, now);
    return [...due.values()];
  }

  /**
   * A client that waits for something that has just gone gets its last content: without it a cluster would never warm up, and
   * so could not even be removed. What does not exist yet shows up as changed once it does.
   */
  #addPending(
    pending: ReadonlyMap<string, EncodedResource | undefined>,
    list: ResourceList,
    subscription: Subscription,
    due: Map<string, EncodedResource>,
  ): void {
    this.#pending = undefined;
    for (const [name, last] of pending) {
      const resource = list.get(name) ?? this.#gone?.get(name)?.resource ?? last;
      if (!resource) continue;
      if (subscription.wants(name)) due.set(name, resource);
      else if (!list.has(name)) this.#lost(name, { resource, heldVersion: undefined });
    }
  }

  /** Returns what is new to the client. */
  #advance(list: ResourceList, subscription: Subscription): EncodedResource[] {
    const initial = this.#initialVersions;
    const due: EncodedResource[] = [];
    const { changed, removed } = changesBetween(this.#base, list);
    for (const resource of changed) {
      const { name, version } = resource;
      const held = this.#gone?.get(name)?.heldVersion ?? initial?.get(name);
      this.#gone?.delete(name);
      if (subscription.wants(name) && held !== version) due.push(resource);
    }
    for (const name of removed) this.#lose(name, subscription);
    for (const [name, heldVersion] of initial ?? []) {
      if (!list.has(name) && subscription.wants(name)) this.#lost(name, { resource: undefined, heldVersion });
    }
    if (this.#gone?.size === 0) this.#gone = undefined;
    this.#initialVersions = undefined;
    this.#base = list;
    return due;
  }

  /** The list no longer has it. What was refused or not sent is not at the client: should the same come back, it is news. */
  #lose(name: string, subscription: Subscription): void {
    const resource = this.#base.get(name);
    const pending = this.#pending?.has(name);
    const missing = pending || this.#refusals?.refused.has(name) || !subscription.wants(name);
    this.forget([name]);
    this.#lost(name, { resource, heldVersion: missing ? undefined : resource?.version });
    if (pending && !subscription.wildcard) this.#require(name, resource);
  }

  #require(name: string, resource: EncodedResource | undefined): void {
    this.#pending ??= new Map();
    this.#pending.set(name, resource);
  }

  #lost(name: string, gone: Gone): void {
    this.#gone ??= new Map();
    this.#gone.set(name, gone);
  }

  /** Whatever the client holds of it, it is not sure to be the last content. */
  #doubt(name: string): void {
    const gone = this.#gone?.get(name);
    if (gone) this.#lost(name, { ...gone, heldVersion: undefined });
  }

  #holdBack({ held, heldUntil }: Refusals, due: Map<string, EncodedResource>, now: number): void {
    if (now >= heldUntil) {
      held.clear();
      return;
    }
    for (const name of held) {
      const resource = due.get(name);
      if (resource && due.delete(name)) this.#require(name, resource);
    }
  }

  /** Names to be removed from the client, once; they count as sent. */
  takeGone(subscription: Subscription): string[] {
    if (!this.#gone) return [];
    const names = [...this.#gone.keys()].filter((name) => subscription.wants(name));
    this.#gone = undefined;
    return names;
  }

  /** A removal was refused together with something else: it is due once more. */
  restoreGone(names: readonly string[]): void {
    for (const name of names) {
      if (!this.#base.has(name)) this.#lost(name, { resource: undefined, heldVersion: undefined });
    }
  }

  /** Whether this one has to travel alone; asking forgets it. */
  takeIsolated(name: string): boolean {
    return this.#refusals?.isolated.delete(name) ?? false;
  }

  accepted(resources: readonly EncodedResource[]): void {
    if (!this.#refusals) return;
    for (const { name } of resources) this.#refusals.refused.delete(name);
  }

  /**
   * The client refused a response with these resources and keeps what it had. Nothing of it is sent again for
   * NACK_BACKOFF_MS. One that was refused alone then waits for new content; several are tried once more one by one, as
   * Envoy may have dropped good ones because of a bad one.
   */
  refused(resources: readonly EncodedResource[], now: number): void {
    if (resources.length === 0) return;
    this.#refusals ??= { refused: new Set(), isolated: new Set(), held: new Set(), heldUntil: 0 };
    const refusals = this.#refusals;
    if (now >= refusals.heldUntil) refusals.held.clear();
    refusals.heldUntil = now + NACK_BACKOFF_MS;
    for (const resource of resources) {
      const { name } = resource;
      refusals.refused.add(name);
      refusals.held.add(name);
      this.#doubt(name);
      if (resources.length > 1) {
        refusals.isolated.add(name);
        this.#require(name, resource);
      }
    }
  }
}
