import type { DpServer } from "../../core/dp-server/dp-server.ts";
import type { PushStats } from "../../core/push/push-stats.ts";
import { isAvailable, leadershipOf } from "../../core/store/leadership.ts";
import type { ResourceStore } from "../../core/store/resource-store.ts";
import { watchEventLoopLag } from "./event-loop-lag.ts";
import { createMetricKinds, type MetricKinds } from "./metric-kinds.ts";

export interface MetricsRegistry {
  readonly contentType: string;
  metrics(): Promise<string>;
}

export interface MetricsSources {
  readonly push: () => PushStats;
  /** Undefined until it listens. */
  readonly dp: () => Pick<DpServer, "streams" | "initialSyncs"> | undefined;
  readonly store: ResourceStore;
}

/**
 * Loads prom-client when the first scrape comes; values are read at each scrape, so nothing is counted in between but what
 * the engine and the streams count anyway. The lag of the event loop is watched from the first scrape on.
 */
export async function createMetrics({ push, dp, store }: MetricsSources): Promise<MetricsRegistry> {
  const kinds = await createMetricKinds();
  addPushMetrics(kinds, push);
  addStreamMetrics(kinds, dp);
  addStoreMetrics(kinds, store);
  addProcessMetrics(kinds);
  return {
    contentType: kinds.registry.contentType,
    metrics: async () => (await kinds.registry.metrics()) + convergenceText(push().convergence),
  };
}

function addPushMetrics({ gauge, gauges, counter }: MetricKinds, push: MetricsSources["push"]): void {
  gauge("monomesh_proxies", "Proxies with a stream.", () => push().proxies);
  gauge("monomesh_proxies_pending", "Proxies that wait for a newer configuration.", () => push().pending);
  gauge("monomesh_store_revision", "Revision of the store that the configuration includes.", () => push().revision);
  counter("monomesh_pushes_total", "Pushes since the start.", () => push().flushes);
  gauge("monomesh_push_last_seconds", "Duration of the last push.", () => push().lastFlushMs / 1000);
  const longest = () => push().longestSliceMs / 1000;
  gauge("monomesh_push_longest_slice_seconds", "Longest time a push held the event loop.", longest);
  counter("monomesh_snapshots_total", "Configurations handed to streams since the start.", () => push().snapshots);
  const kept = () => ({ ...push().resources.kept });
  gauges("monomesh_resources", "Distinct resources, each shared by all proxies that need it.", "type", kept);
  counter("monomesh_resources_built_total", "Resources built since the start.", () => push().resources.built);
  const shared = () => push().resources.shared;
  counter("monomesh_resources_shared_total", "Times a resource was needed and already there.", shared);
  gauge("monomesh_dns_names", "DNS names of Dataplanes that are kept resolved.", () => push().hosts);
}

function addStoreMetrics({ gauge }: MetricKinds, store: ResourceStore): void {
  const available = () => Number(isAvailable(store));
  gauge("monomesh_store_available", "0 while the store's database is away and writes are refused.", available);
  const leads = () => Number(leadershipOf(store).leads);
  gauge("monomesh_leader", "1 at the control plane that leads.", leads);
}

function addStreamMetrics({ gauge, counters }: MetricKinds, dp: MetricsSources["dp"]): void {
  gauge("monomesh_streams", "ADS streams that are open.", () => dp()?.streams.open ?? 0);
  const underWay = () => dp()?.initialSyncs.underWay ?? 0;
  gauge("monomesh_initial_syncs", "Streams that get their first configuration.", underWay);
  const waiting = () => dp()?.initialSyncs.waiting ?? 0;
  gauge("monomesh_initial_syncs_waiting", "Streams that wait for their turn to get it.", waiting);
  const streams = () => dp()?.streams;
  counters("monomesh_responses_sent_total", "Responses sent to sidecars.", "type", () => streams()?.sent);
  counters(
    "monomesh_responses_acknowledged_total",
    "Responses that sidecars accepted.",
    "type",
    () => streams()?.acknowledged,
  );
  counters(
    "monomesh_responses_refused_total",
    "Responses that sidecars refused (NACK).",
    "type",
    () => streams()?.refused,
  );
}

function addProcessMetrics({ gauge, gauges, counter }: MetricKinds): void {
  const lag = watchEventLoopLag();
  gauges(
    "monomesh_event_loop_lag_seconds",
    "Turns of the event loop since the last scrape: how long what came meanwhile waited.",
    "quantile",
    lag,
  );
  gauge("monomesh_memory_resident_bytes", "Resident memory of the process.", () => process.memoryUsage.rss());
  gauges("monomesh_memory_bytes", "Memory by kind: V8's heap, what of it is used, buffers outside.", "kind", () => {
    const { heapUsed, heapTotal, external } = process.memoryUsage();
    return { heap: heapTotal, heap_used: heapUsed, external };
  });
  counter("monomesh_cpu_seconds_total", "CPU time of the process since its start.", () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
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
