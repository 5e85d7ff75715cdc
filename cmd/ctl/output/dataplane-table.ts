import { ageText } from "./age.ts";
import type { Json } from "./columns.ts";

const record = (value: unknown): Json => (typeof value === "object" && value !== null ? (value as Json) : {});
const array = (value: unknown): Json[] => (Array.isArray(value) ? (value as Json[]) : []);

export interface DataplaneTable {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** One line for stderr: how many of which status, and what to look at. */
  readonly summary: string;
}

/** `monomesh get dataplanes`: the status, the truths behind it, and why each row is what it is (ux.md, section 3.3). */
export function dataplaneRows(overviews: readonly Json[], now: number, wide: boolean): DataplaneTable {
  const header = ["MESH", "NAME", "SERVICE", "ADDRESS", "STATUS", "CONNECTED", "HEALTHY", "CONFIG"];
  const rows = overviews.map((overview) => {
    const status = dataplaneStatus(overview, now);
    const networking = record(record(overview["dataplane"])["networking"]);
    const row = [
      String(overview["mesh"] ?? ""),
      String(overview["name"] ?? ""),
      services(networking),
      String(networking["address"] ?? ""),
      status.status,
      status.connected,
      status.healthy,
      status.config,
    ];
    return wide ? [...row, versions(overview), status.why] : [...row, status.why];
  });
  return { header: wide ? [...header, "VERSIONS", "WHY"] : [...header, "WHY"], rows, summary: summary(overviews, now) };
}

interface DataplaneStatus {
  readonly status: string;
  readonly connected: string;
  readonly healthy: string;
  readonly config: string;
  readonly why: string;
}

/** The words of one row. STATUS comes from the control plane (`presence` of the overview), never guessed here. */
export function dataplaneStatus(overview: Json, now: number): DataplaneStatus {
  const presence = record(overview["presence"]);
  const state = String(presence["state"] ?? "offline");
  const since = typeof presence["since"] === "string" ? ageText(now - Date.parse(presence["since"])) : "never";
  const inbounds = array(record(record(overview["dataplane"])["networking"])["inbound"]);
  const ready = inbounds.filter(
    (inbound) =>
      inbound["state"] !== "NotReady" &&
      (inbound["health"] === undefined || record(inbound["health"])["ready"] === true),
  );
  const last = state === "lost" || state === "offline";
  const status = String(overview["status"] ?? STATUS_OF_STATE[state] ?? state);
  return {
    status,
    connected: state === "connected" || state === "leaving" ? since : `no, ${since}`,
    healthy: last && ready.length > 0 ? "last" : `${ready.length}/${inbounds.length}`,
    config: configText(overview),
    why: state === "connected" && status === "Online" ? "" : String(overview["reason"] ?? presence["reason"] ?? ""),
  };
}

const STATUS_OF_STATE: Readonly<Record<string, string>> = {
  connected: "Online",
  leaving: "Leaving",
  lost: "Lost",
  offline: "Offline",
  left: "Offline",
};

/** What the newest subscription says of the configuration: acknowledged, on its way, or rejected. */
function configText(overview: Json): string {
  const subscription = array(record(overview["dataplaneInsight"])["subscriptions"]).at(-1);
  if (!subscription) return "-";
  const total = record(record(subscription["status"])["total"]);
  const sent = Number(total["responsesSent"] ?? 0);
  const acknowledged = Number(total["responsesAcknowledged"] ?? 0);
  const rejected = Number(total["responsesRejected"] ?? 0);
  if (rejected > 0 && sent > acknowledged) return "rejected";
  return sent > acknowledged ? `${sent - acknowledged} behind` : "current";
}

function services(networking: Json): string {
  const names = [...array(networking["inbound"]), record(networking["gateway"])].map(
    (each) => record(each["tags"])["kuma.io/service"],
  );
  return [...new Set(names.filter((name) => typeof name === "string"))].sort().join(",") || "-";
}

function versions(overview: Json): string {
  const version = record(array(record(overview["dataplaneInsight"])["subscriptions"]).at(-1)?.["version"]);
  const of = (part: unknown) => String(record(part)["version"] ?? "?");
  return Object.keys(version).length === 0 ? "-" : `dp ${of(version["kumaDp"])}, Envoy ${of(version["envoy"])}`;
}

function summary(overviews: readonly Json[], now: number): string {
  if (overviews.length === 0) return "No dataplanes. Start one: monomesh dp run --help\n";
  const counts = new Map<string, number>();
  for (const overview of overviews) {
    const word = dataplaneStatus(overview, now).status.toLowerCase();
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const troubled = overviews.find((overview) => dataplaneStatus(overview, now).status !== "Online");
  const parts = [...counts].map(([word, count]) => `${count} ${word}`).join(", ");
  const noun = overviews.length === 1 ? "dataplane" : "dataplanes";
  return `${overviews.length} ${noun}: ${parts}.${troubled ? `  More: monomesh get dataplane ${String(troubled["name"])} -o yaml` : ""}\n`;
}
