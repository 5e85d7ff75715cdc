import { setImmediate as nextTurn } from "node:timers/promises";
import type { Resource } from "../model/resource.ts";
import { dataplaneType } from "../model/types/dataplane.ts";
import { type ProxyId, proxyText } from "../push/snapshot.ts";
import type { ApiDeps } from "./api-deps.ts";
import type { EventStream } from "./event-stream.ts";
import type { ItemFilter } from "./filters.ts";
import { buildOverview } from "./overview.ts";
import type { ProxyChanges } from "./proxy-changes.ts";
import { readProxies } from "./read-proxies.ts";

/** Changes that come within this time are told together; milliseconds. What changes twice in it is told once. */
const TOGETHER_MS = 100;
/** Overviews that are read and sent at once. */
const CHUNK = 100;

export interface OverviewWatch {
  /** All meshes if undefined. */
  readonly mesh: string | undefined;
  readonly filter: ItemFilter;
}

/**
 * Tells the overviews that there are (`put` each, then `now`), then those that change (`put`) or go (`delete`); `reset` before
 * all of them come again. Keeps names only, so a slow reader costs nothing: what it has not read is read anew. Returns when
 * the stream has ended.
 */
export async function watchOverviews(
  deps: ApiDeps,
  changes: ProxyChanges,
  stream: EventStream,
  { mesh, filter }: OverviewWatch,
): Promise<void> {
  const { store, clock } = deps;
  const { signal } = stream;
  const dirty = new Map<string, ProxyId>();
  const told = new Set<string>();
  let everything = true;
  let wake = Promise.withResolvers<void>();
  const stop = () => wake.resolve();
  signal.addEventListener("abort", stop, { once: true });
  using _listening = await changes.listen({
    changed(proxy) {
      if (mesh !== undefined && proxy.mesh !== mesh) return;
      dirty.set(proxyText(proxy), proxy);
      wake.resolve();
    },
    reset() {
      everything = true;
      wake.resolve();
    },
  });

  const put = async (dataplanes: readonly Resource[]) => {
    for (const proxy of await readProxies(deps, dataplanes)) {
      told.add(proxyText(proxy.dataplane));
      if (!stream.send("put", buildOverview(proxy))) await stream.drained();
    }
    // A store in memory answers at once; the streams of the proxies must have their turn all the same.
    await nextTurn();
  };
  const tellAll = async () => {
    everything = false;
    dirty.clear();
    if (told.size > 0) stream.send("reset", {});
    told.clear();
    let after: string | undefined;
    do {
      const page = await store.list(dataplaneType.name, { mesh, limit: CHUNK, after });
      await put(page.items.filter(filter));
      after = page.next;
    } while (after !== undefined && !signal.aborted);
    stream.send("now", {});
  };
  const tellDirty = async () => {
    const proxies = [...dirty].slice(0, CHUNK);
    for (const [text] of proxies) dirty.delete(text);
    const found = await Promise.all(proxies.map(([, proxy]) => store.get({ type: dataplaneType.name, ...proxy })));
    await put(found.filter((each) => each !== undefined).filter(filter));
    for (const [at, [text, { mesh, name }]] of proxies.entries()) {
      const dataplane = found[at];
      if ((!dataplane || !filter(dataplane)) && told.delete(text)) stream.send("delete", { mesh, name });
    }
  };

  while (!signal.aborted) {
    if (everything) await tellAll();
    else await tellDirty();
    if (dirty.size > 0 || everything) continue;
    await wake.promise;
    wake = Promise.withResolvers<void>();
    await clock.sleep(TOGETHER_MS, signal).catch(() => undefined);
  }
}
