import { formatDuration } from "../../../core/kernel/duration.ts";
import { ageText } from "./age.ts";
import { tagsText } from "./columns.ts";
import { arrayOf, type Json, recordOf, textOf, timeOf } from "./json.ts";
import { isReady, kumaStatus } from "./kuma-status.ts";

export interface DataplaneTable {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** One line for stderr: how many of which status, and what to look at. */
  readonly summary: string;
}

/** A configuration that is on its way is no news; one that has been for this long is. Milliseconds. */
const LONG_BEHIND_MS = 10_000;

/** `monomesh get dataplanes`: the status, the truths behind it, and why each row is what it is (ux.md, section 3.3). */
export function dataplaneRows(overviews: readonly Json[], now: number, wide: boolean): DataplaneTable {
  const header = ["MESH", "NAME", "SERVICE", "ADDRESS", "STATUS", "CONNECTED", "HEALTHY", "CONFIG"];
  return {
    header: [...header, ...(wide ? ["TAGS", "VERSIONS"] : []), "WHY"],
    rows: overviews.map((overview) => dataplaneRow(overview, now, wide)),
    summary: summary(overviews, now),
  };
}

export function dataplaneRow(overview: Json, now: number, wide: boolean): string[] {
  const { status, connected, healthy, config, why } = dataplaneStatus(overview, now);
  const dataplane = recordOf(overview["dataplane"]);
  const networking = recordOf(dataplane["networking"]);
  return [
    textOf(overview["mesh"]),
    textOf(overview["name"]),
    servicesOf(networking).join(",") || "-",
    textOf(networking["address"]),
    status,
    connected,
    healthy,
    config,
    ...(wide ? [tagsText(dataplane), versionsText(overview)] : []),
    why,
  ];
}

export interface DataplaneStatus {
  readonly status: string;
  readonly connected: string;
  readonly healthy: string;
  readonly config: string;
  readonly why: string;
}

/** The words of one row. Of a control plane that is no monomesh, what can be known of Kuma's insight. */
export function dataplaneStatus(overview: Json, now: number): DataplaneStatus {
  const inbounds = arrayOf(recordOf(recordOf(overview["dataplane"])["networking"])["inbound"]);
  const ready = inbounds.filter(isReady);
  const healthy = `${ready.length}/${inbounds.length}`;
  const presence = recordOf(overview["presence"]);
  if (overview["status"] === undefined) return kumaRow(overview, healthy, now);
  const status = String(overview["status"]);
  const since = timeOf(presence["since"]);
  const age = since === undefined ? "never" : ageText(now - since);
  const connected = isConnected(presence);
  return {
    status,
    connected: connected ? age : `no, ${age}`,
    healthy: presence["endpoints"] !== "healthy" && !connected && ready.length > 0 ? "last" : healthy,
    config: configText(recordOf(overview["config"])),
    why: textOf(overview["reason"]) || behindText(recordOf(overview["config"]), now),
  };
}

/** Whether a stream is open, by the `presence` of an overview. */
export function isConnected({ state }: Json): boolean {
  return state === "connected" || state === "leaving";
}

function kumaRow(overview: Json, healthy: string, now: number): DataplaneStatus {
  const newest = recordOf(arrayOf(recordOf(overview["dataplaneInsight"])["subscriptions"]).at(-1));
  const ended = timeOf(newest["disconnectTime"]);
  const began = timeOf(newest["connectTime"]);
  const at = ended ?? began;
  const age = at === undefined ? "never" : ageText(now - at);
  const connected = began !== undefined && ended === undefined;
  return {
    status: kumaStatus(overview),
    connected: connected ? age : `no, ${age}`,
    healthy,
    config: connected ? configText(countedConfig(newest)) : "-",
    why: "",
  };
}

/** What the counters of a subscription say: acknowledged, on its way, or rejected. */
function countedConfig(subscription: Json): Json {
  const total = recordOf(recordOf(subscription["status"])["total"]);
  const count = (name: string) => Number(total[name] ?? 0);
  const behind = count("responsesSent") - count("responsesAcknowledged");
  if (behind <= 0) return { state: "current" };
  return count("responsesRejected") > 0 ? { state: "rejected" } : { state: "behind", behind };
}

function configText(config: Json): string {
  switch (config["state"]) {
    case "behind":
      return `${config["behind"]} behind`;
    case "current":
    case "rejected":
      return String(config["state"]);
    default:
      return "-";
  }
}

function behindText(config: Json, now: number): string {
  const since = timeOf(config["since"]);
  if (config["state"] !== "behind" || since === undefined || now - since < LONG_BEHIND_MS) return "";
  return `not acknowledged for ${formatDuration(now - since)}`;
}

/** Services of the inbounds or the gateway, sorted. */
export function servicesOf(networking: Json): string[] {
  const owners = [...arrayOf(networking["inbound"]), recordOf(networking["gateway"])];
  const names = owners.map((each) => recordOf(each["tags"])["kuma.io/service"]);
  return [...new Set(names.filter((name) => typeof name === "string"))].sort();
}

/** `monomesh 0.1.0, Envoy 1.40.0`, or `kuma-dp 2.14.3, …`. */
export function versionsText(overview: Json): string {
  const version = recordOf(arrayOf(recordOf(overview["dataplaneInsight"])["subscriptions"]).at(-1)?.["version"]);
  const of = (part: unknown) => String(recordOf(part)["version"] ?? "?");
  if (Object.keys(version).length === 0) return "-";
  const sidecar = `kuma-dp ${of(version["kumaDp"])}`.replace(/^kuma-dp monomesh-/, "monomesh ");
  return `${sidecar}, Envoy ${of(version["envoy"])}`;
}

function summary(overviews: readonly Json[], now: number): string {
  if (overviews.length === 0) return "No dataplanes. Start one: monomesh dp run --help\n";
  const words = overviews.map((overview) => dataplaneStatus(overview, now).status);
  const counts = Object.entries(Object.groupBy(words, (word) => word)).map(
    ([word, all]) => `${all?.length} ${word.toLowerCase()}`,
  );
  const troubled = overviews.find((overview, at) => words[at] !== "Online" && overview["status"] !== undefined);
  const more = troubled ? `  More: monomesh inspect dataplane ${String(troubled["name"])}${meshFlag(troubled)}` : "";
  return `${overviews.length} dataplane${overviews.length === 1 ? "" : "s"}: ${counts.join(", ")}.${more}\n`;
}

/** What a command needs to mean the same mesh. */
export function meshFlag(item: Json): string {
  return item["mesh"] === undefined || item["mesh"] === "default" ? "" : ` -m ${String(item["mesh"])}`;
}
