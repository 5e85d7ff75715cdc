import type { PushStats } from "../../core/push/push-stats.ts";

export interface MetricsRegistry {
  readonly contentType: string;
  metrics(): Promise<string>;
}

/** Loads prom-client when the first scrape comes; values are read at each scrape, so nothing is counted in between. */
export async function createMetrics(stats: () => PushStats): Promise<MetricsRegistry> {
  const { Gauge, Registry } = await import("prom-client");
  const registry = new Registry();
  const gauge = (name: string, help: string, read: () => number) => {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  };
  gauge("monomesh_proxies", "Proxies with a stream.", () => stats().proxies);
  gauge("monomesh_proxies_pending", "Proxies that wait for a newer configuration.", () => stats().pending);
  gauge("monomesh_store_revision", "Revision of the store that the configuration includes.", () => stats().revision);
  gauge("monomesh_pushes", "Pushes since the start.", () => stats().flushes);
  gauge("monomesh_push_last_seconds", "Duration of the last push.", () => stats().lastFlushMs / 1000);
  gauge(
    "monomesh_push_longest_slice_seconds",
    "Longest time a push held the event loop.",
    () => stats().longestSliceMs / 1000,
  );
  gauge("monomesh_snapshots", "Configurations handed to streams since the start.", () => stats().snapshots);
  gauge("monomesh_dns_names", "DNS names of Dataplanes that are kept resolved.", () => stats().hosts);
  gauge("monomesh_memory_resident_bytes", "Resident memory of the process.", () => process.memoryUsage.rss());
  gauge("monomesh_cpu_seconds", "CPU time of the process since its start.", () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  return {
    contentType: registry.contentType,
    metrics: async () => (await registry.metrics()) + convergenceText(stats().convergence),
  };
}

/** The engine counts its own histogram; prom-client can only fill its own, so this one is written out here. */
function convergenceText({ buckets, sum, count }: PushStats["convergence"]): string {
  const name = "monomesh_convergence_seconds";
  const lines = [
    `# HELP ${name} From a committed change to the acknowledgement of each proxy that it concerns.`,
    `# TYPE ${name} histogram`,
    ...buckets.map((bucket) => `${name}_bucket{le="${bucket.le / 1000}"} ${bucket.count}`),
    `${name}_bucket{le="+Inf"} ${count}`,
    `${name}_sum ${sum / 1000}`,
    `${name}_count ${count}`,
  ];
  return `${lines.join("\n")}\n`;
}
