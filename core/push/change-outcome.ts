import type { PushedProxy } from "./pushed-proxy.ts";

/** Waits until all of these proxies are current, or the signal aborts; returns the names of those that are not, sorted. */
export async function notCurrent(proxies: Iterable<PushedProxy>, signal: AbortSignal): Promise<readonly string[]> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const pending = new Map<PushedProxy, Disposable>();
  const finish = () => resolve();
  for (const proxy of proxies) {
    if (proxy.isCurrent) continue;
    const watch = proxy.onCurrent(() => {
      pending.get(proxy)?.[Symbol.dispose]();
      pending.delete(proxy);
      if (pending.size === 0) finish();
    });
    pending.set(proxy, watch);
  }
  if (pending.size === 0 || signal.aborted) finish();
  signal.addEventListener("abort", finish, { once: true });
  await promise;
  signal.removeEventListener("abort", finish);
  for (const watch of pending.values()) watch[Symbol.dispose]();
  return [...pending.keys()].map(({ id }) => id.name).sort();
}
