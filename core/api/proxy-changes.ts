import type { Clock } from "../kernel/clock.ts";
import { isAbortError } from "../kernel/errors.ts";
import { DATAPLANE_PRESENCE } from "../model/dataplane-presence.ts";
import { DATAPLANE } from "../model/types/dataplane.ts";
import { DATAPLANE_INSIGHT } from "../model/types/dataplane-insight.ts";
import type { ProxyId } from "../push/snapshot.ts";
import type { ResourceStore } from "../store/resource-store.ts";

/** What an overview is made of. */
const TYPES: ReadonlySet<string> = new Set([DATAPLANE, DATAPLANE_PRESENCE, DATAPLANE_INSIGHT]);
/** A store that cannot be followed is asked again after this time; milliseconds. */
const RETRY_MS = 1000;

export interface ProxyListener {
  changed(proxy: ProxyId): void;
  /** Changes may have been missed: look at everything again. */
  reset(): void;
}

/** Tells of proxies whose overview changed. The store is followed only while somebody listens, once for all. */
export class ProxyChanges {
  readonly #store: ResourceStore;
  readonly #clock: Clock;
  readonly #listeners = new Set<ProxyListener>();
  #following: { readonly stop: AbortController; readonly started: Promise<void> } | undefined;

  constructor(store: ResourceStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Resolves when nothing that changes from now on is missed. Rejects with MM503 when the store cannot be read. */
  async listen(listener: ProxyListener): Promise<Disposable> {
    this.#listeners.add(listener);
    const leave = () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      this.#following?.stop.abort();
      this.#following = undefined;
    };
    this.#following ??= this.#follow();
    try {
      await this.#following.started;
    } catch (error) {
      leave();
      throw error;
    }
    return { [Symbol.dispose]: leave };
  }

  #follow() {
    const stop = new AbortController();
    const revision = this.#store.revision();
    void this.#run(revision, stop.signal);
    return { stop, started: revision.then(() => undefined) };
  }

  async #run(first: Promise<number>, signal: AbortSignal): Promise<void> {
    let revision: Promise<number> | undefined = first;
    while (!signal.aborted) {
      try {
        revision ??= this.#store.revision().then((found) => {
          for (const listener of this.#listeners) listener.reset();
          return found;
        });
        for await (const changes of this.#store.watch(await revision, signal)) {
          for (const { resource } of changes) if (TYPES.has(resource.type)) this.#tell(resource);
        }
      } catch (error) {
        if (signal.aborted || isAbortError(error)) return;
      }
      revision = undefined;
      await this.#clock.sleep(RETRY_MS, signal).catch(() => undefined);
    }
  }

  #tell({ mesh, name }: ProxyId): void {
    for (const listener of this.#listeners) listener.changed({ mesh, name });
  }
}
