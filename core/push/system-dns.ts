import { promises as dns } from "node:dns";
import type { Clock } from "../kernel/clock.ts";

/** What a name stands for now. */
export interface DnsAnswer {
  /** IP addresses, at least one. */
  readonly addresses: readonly string[];
  /** Milliseconds for which the answer holds. */
  readonly ttl: number;
}

/** Finds the addresses of a name; rejects when there are none. */
export type ResolveName = (host: string, signal: AbortSignal) => Promise<DnsAnswer>;

export interface SystemDnsOptions {
  /** Milliseconds that an answer without a TTL holds (`general.dnsCacheTTL`). Default 10 s. */
  readonly cacheTtl?: number | undefined;
  readonly clock: Clock;
}

/** After this the hosts file and its like are asked too: a machine without its DNS server must not wait for a timeout. */
const PATIENCE_MS = 250;
const SERVER_TIMEOUT_MS = 2000;

/**
 * Names as this machine sees them. DNS servers are asked first, because only they tell how long an answer holds; names they
 * do not know, or not soon enough, go the way of every other program: the hosts file, search domains, and so on.
 */
export function createSystemDns(options: SystemDnsOptions): ResolveName {
  const cacheTtl = options.cacheTtl ?? 10_000;
  return async (host, signal) => {
    const servers = new dns.Resolver({ timeout: SERVER_TIMEOUT_MS, tries: 2 });
    const cancel = () => servers.cancel();
    signal.addEventListener("abort", cancel, { once: true });
    const settled = new AbortController();
    try {
      const fromServers = askServers(servers, host);
      const asked = fromServers.catch(() => undefined);
      const patience = options.clock.sleep(PATIENCE_MS, settled.signal).catch(() => undefined);
      const answer = await Promise.race([asked, patience]);
      if (answer) return answer;
      return await Promise.any([fromServers, askSystem(host, cacheTtl)]).catch((error: AggregateError) => {
        throw error.errors.at(-1);
      });
    } finally {
      settled.abort();
      signal.removeEventListener("abort", cancel);
      servers.cancel();
    }
  };
}

async function askServers(servers: dns.Resolver, host: string): Promise<DnsAnswer> {
  const answers = await Promise.allSettled([
    servers.resolve4(host, { ttl: true }),
    servers.resolve6(host, { ttl: true }),
  ]);
  const records = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
  if (records.length === 0) throw (answers[0] as PromiseRejectedResult).reason;
  return { addresses: records.map(({ address }) => address), ttl: Math.min(...records.map(({ ttl }) => ttl)) * 1000 };
}

async function askSystem(host: string, ttl: number): Promise<DnsAnswer> {
  const found = await dns.lookup(host, { all: true });
  return { addresses: found.map(({ address }) => address), ttl };
}
