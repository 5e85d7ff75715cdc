import type { Clock } from "../../kernel/clock.ts";
import { isAbortError, toMeshError } from "../../kernel/errors.ts";
import type { Logger } from "../../kernel/log.ts";
import type { Scope } from "../../kernel/scope.ts";
import type { Resource } from "../../model/resource.ts";
import { DATAPLANE, type DataplaneSpec } from "../../model/types/dataplane.ts";
import { type ProxyId, proxyText } from "../../push/snapshot.ts";
import type { ResourceStore } from "../../store/resource-store.ts";

/** Undefined: it was deleted. */
export type DataplaneListener = (dataplane: Resource<DataplaneSpec> | undefined) => void;

export interface DataplaneWatchOptions {
  readonly store: ResourceStore;
  readonly clock: Clock;
  readonly log: Logger;
  readonly scope: Scope;
}

/** A store that cannot be watched is asked again after this time; milliseconds. */
const RETRY_MS = 1000;

/**
 * Tells of changes of single Dataplanes, over one watch of the store for all who ask. It keeps no Dataplane, and does nothing before
 * somebody asks.
 */
export class DataplaneWatch {
  readonly #options: DataplaneWatchOptions;
  readonly #listeners = new Map<string, { readonly proxy: ProxyId; readonly all: Set<DataplaneListener> }>();
  #started = false;

  constructor(options: DataplaneWatchOptions) {
    this.#options = options;
  }

  /** Calls back with the Dataplane as it is now, unless there is none, and with each change. It may repeat itself. */
  follow(proxy: ProxyId, listener: DataplaneListener): Disposable {
    const key = proxyText(proxy);
    const entry = this.#listeners.get(key) ?? { proxy, all: new Set() };
    this.#listeners.set(key, entry);
    entry.all.add(listener);
    if (!this.#started) {
      this.#started = true;
      void this.#run();
    } else void this.#read(proxy, new Set([listener]));
    return {
      [Symbol.dispose]: () => {
        entry.all.delete(listener);
        if (entry.all.size === 0 && this.#listeners.get(key) === entry) this.#listeners.delete(key);
      },
    };
  }

  async #run(): Promise<void> {
    const { store, clock, log, scope } = this.#options;
    const { signal } = scope;
    let troubled = false;
    while (!signal.aborted) {
      try {
        const revision = await store.revision();
        // What changed while nobody watched is found by reading.
        for (const { proxy, all } of [...this.#listeners.values()]) await this.#read(proxy, all);
        for await (const changes of store.watch(revision, signal)) {
          troubled = false;
          for (const { op, resource } of changes) {
            if (resource.type !== DATAPLANE) continue;
            const entry = this.#listeners.get(proxyText(resource));
            if (entry) this.#tell(entry.all, op === "put" ? (resource as Resource<DataplaneSpec>) : undefined);
          }
        }
      } catch (error) {
        if (signal.aborted || isAbortError(error)) return;
        const { code, message } = toMeshError(error);
        // MM510: too far behind, which reading mends.
        if (!troubled && code !== "MM510") log.warn("store", `probes cannot follow the store, tried again: ${message}`);
        troubled = true;
      }
      await clock.sleep(RETRY_MS, signal).catch(() => undefined);
    }
  }

  async #read(proxy: ProxyId, listeners: ReadonlySet<DataplaneListener>): Promise<void> {
    const { store, scope, log } = this.#options;
    try {
      const stored = await store.get({ type: DATAPLANE, mesh: proxy.mesh, name: proxy.name });
      if (stored) this.#tell(listeners, stored as Resource<DataplaneSpec>);
    } catch (error) {
      if (!scope.closed) log.warn("store", `${proxyText(proxy)} cannot be read: ${toMeshError(error).message}`);
    }
  }

  #tell(listeners: ReadonlySet<DataplaneListener>, dataplane: Resource<DataplaneSpec> | undefined): void {
    for (const listener of [...listeners]) listener(dataplane);
  }
}
