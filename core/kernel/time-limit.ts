import type { Clock } from "./clock.ts";

/**
 * Gives up on work that takes longer than `ms` milliseconds and rejects with what `late` makes. The work itself may go on;
 * what it ends in is ignored then.
 */
export async function withinTime<T>(
  clock: Clock,
  ms: number,
  work: () => T | PromiseLike<T>,
  late: () => Error,
): Promise<T> {
  const limit = Promise.withResolvers<never>();
  using _timer = clock.after(ms, () => limit.reject(late()));
  return await Promise.race([(async () => work())(), limit.promise]);
}
