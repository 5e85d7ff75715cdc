import type { Clock } from "../kernel/clock.ts";
import { toMeshError } from "../kernel/errors.ts";
import type { Logger } from "../kernel/log.ts";
import type { Resource } from "../model/resource.ts";
import type { Change, ResourceStore } from "../store/resource-store.ts";

/** Who is fed. Both are awaited before the next one is called. */
export interface FeedTarget {
  /**
   * Everything there is, as of `revision`. Single resources may be newer: changes up to `complete` follow at once and
   * repeat some of them. Called first, and again when the store could not go on from where it was.
   */
  replace(resources: readonly Resource[], revision: number, complete: number): Promise<void>;
  apply(changes: readonly Change[]): Promise<void>;
}

export interface StoreFeedOptions {
  readonly store: ResourceStore;
  readonly types: readonly string[];
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly target: FeedTarget;
}

const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 5000;

/**
 * Lists the store, then follows its changes without gap until the signal aborts or the store is closed. A store that fails
 * is tried again and again; what was read stays in use meanwhile.
 */
export async function followStore(options: StoreFeedOptions): Promise<void> {
  const { store, target, signal } = options;
  let revision: number | undefined;
  let failures = 0;
  let lost = false;
  const answered = () => {
    if (lost) options.log.info("store-recovered", "The store answers again.");
    lost = false;
  };
  while (!signal.aborted) {
    try {
      if (revision === undefined) {
        revision = await load(options);
        answered();
      }
      for await (const changes of store.watch(revision, signal)) {
        await target.apply(changes);
        revision = changes.at(-1)?.revision ?? revision;
        answered();
        failures = 0;
      }
      return;
    } catch (thrown) {
      if (signal.aborted) return;
      const error = toMeshError(thrown);
      if (error.code === "MM510") {
        revision = undefined;
      } else if (!lost) {
        lost = true;
        const text = "The store cannot be followed; proxies keep what they have, and it is tried again.";
        options.log.error("store-lost", text, { code: error.code, reason: error.message });
      }
      const wait = Math.min(FIRST_RETRY_MS * 2 ** failures++, LONGEST_RETRY_MS);
      await options.clock.sleep(wait, signal).catch(() => undefined);
    }
  }
}

/** Each list is read at its own revision, so what all of them include is the smallest one. */
async function load({ store, types, target }: StoreFeedOptions): Promise<number> {
  const pages = await Promise.all(types.map((type) => store.list(type)));
  const revisions = pages.map((page) => page.revision);
  const revision = Math.min(...revisions);
  const resources = pages.flatMap((page) => page.items);
  await target.replace(resources, revision, Math.max(...revisions));
  return revision;
}
