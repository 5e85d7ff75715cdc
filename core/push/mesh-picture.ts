import type { Clock } from "../kernel/clock.ts";
import type { Logger } from "../kernel/log.ts";
import type { Scope } from "../kernel/scope.ts";
import type { Resource } from "../model/resource.ts";
import type { Change, ResourceStore } from "../store/resource-store.ts";
import type { Dirt, MeshView } from "../view/mesh-view.ts";
import { MeshViews } from "../view/mesh-views.ts";
import { reduceAddress, VIEWED_TYPES } from "../view/reduce.ts";
import { AddressResolver } from "./address-resolver.ts";
import { followStore } from "./store-feed.ts";
import type { ResolveName } from "./system-dns.ts";
import { TimeSlice } from "./time-slice.ts";

export interface MeshPictureOptions {
  readonly store: ResourceStore;
  readonly clock: Clock;
  readonly log: Logger;
  readonly scope: Scope;
  readonly resolve: ResolveName;
  /** Names of the resource types that are policies. */
  readonly policyTypes: readonly string[];
  /** What a change or a new address has altered. Synchronous; the view is already in its new state. */
  readonly onDirt: (view: MeshView, dirt: Dirt) => void;
  /** The revision moved, after all that belongs to it was reported. */
  readonly onAdvance: () => void;
}

/** Longest wait for the first answers of DNS, in milliseconds: one dead name must not keep every proxy waiting. */
const FIRST_ANSWERS_MS = 2000;

/** The views of all meshes, kept equal to the store and to DNS. */
export class MeshPicture {
  readonly views: MeshViews;
  readonly #options: MeshPictureOptions;
  readonly #resolver: AddressResolver;
  readonly #slice: TimeSlice;
  readonly #complete = Promise.withResolvers<void>();
  #revision = 0;
  /** Revision that the first picture must reach; undefined until it is listed. */
  #completeAt: number | undefined;

  constructor(options: MeshPictureOptions) {
    const { store, clock, log, scope, resolve, policyTypes } = options;
    this.#options = options;
    this.views = new MeshViews(policyTypes);
    this.#slice = new TimeSlice(clock);
    this.#resolver = new AddressResolver({
      resolve,
      clock,
      log,
      scope,
      onAddress: (host) => this.#spreadAddress(host),
    });
    void followStore({
      store,
      types: [...VIEWED_TYPES, ...policyTypes],
      clock,
      log,
      signal: scope.signal,
      target: this,
    });
  }

  /** Store revision that the picture includes. */
  get revision(): number {
    return this.#revision;
  }

  /** DNS names in use. */
  get hosts(): number {
    return this.#resolver.size;
  }

  get longestSliceMs(): number {
    return this.#slice.longest;
  }

  /** Resolves when the first picture is whole: everything listed, every name tried or 2 s gone. Never rejects. */
  complete(): Promise<void> {
    return this.#complete.promise;
  }

  /** See `FeedTarget`. */
  async replace(resources: readonly Resource[], revision: number, complete: number): Promise<void> {
    const puts = resources.map((resource): Change => ({ revision: resource.revision, op: "put", resource }));
    this.#slice.begin();
    for (const change of [...this.views.missing(resources, revision), ...puts]) await this.#reduce(change);
    this.#completeAt ??= complete;
    this.#advance(revision);
  }

  /** See `FeedTarget`. */
  async apply(changes: readonly Change[]): Promise<void> {
    this.#slice.begin();
    for (const change of changes) {
      await this.#reduce(change);
      this.#revision = Math.max(this.#revision, change.revision);
    }
    this.#advance(this.#revision);
  }

  async #reduce(change: Change): Promise<void> {
    const reduced = this.views.reduce(change);
    if (reduced) this.#spread(reduced.view, reduced.dirt);
    if (this.#slice.over()) await this.#slice.pause();
  }

  #spread(view: MeshView, dirt: readonly Dirt[]): void {
    for (const each of dirt) {
      if (each.kind === "host") this.#followHost(view, each.host);
      this.#options.onDirt(view, each);
    }
  }

  /** Each mesh that needs a name uses it once. Its answer may already be here for another mesh. */
  #followHost(view: MeshView, host: string): void {
    if (!view.hosts.has(host)) {
      this.#resolver.release(host);
      return;
    }
    this.#resolver.use(host);
    const address = this.#resolver.address(host);
    if (address !== undefined) this.#spread(view, reduceAddress(view, host, address));
  }

  #spreadAddress(host: string): void {
    const address = this.#resolver.address(host);
    for (const view of this.views.values()) this.#spread(view, reduceAddress(view, host, address));
  }

  #advance(revision: number): void {
    this.#revision = Math.max(this.#revision, revision);
    if (this.#completeAt !== undefined && this.#revision >= this.#completeAt) {
      this.#completeAt = Number.POSITIVE_INFINITY;
      const { clock, scope } = this.#options;
      const patience = new AbortController();
      const late = clock
        .sleep(FIRST_ANSWERS_MS, AbortSignal.any([scope.signal, patience.signal]))
        .catch(() => undefined);
      void Promise.race([this.#resolver.tried(), late]).then(() => {
        patience.abort();
        this.#complete.resolve();
      });
    }
    this.#options.onAdvance();
  }
}
