import type { EventJson } from "../../../core/events/event-json.ts";
import { formatDuration } from "../../../core/kernel/duration.ts";
import { KEPT_FAILURES, type RequestFailure } from "../../../core/model/request-failure.ts";
import { dataplaneStatus, isConnected, meshFlag, versionsText } from "./dataplane-table.ts";
import { commonest } from "./failure-table.ts";
import { arrayOf, type Json, recordOf, textOf, timeOf } from "./json.ts";
import { isReady } from "./kuma-status.ts";
import { timeCell } from "./time.ts";

/** What is known of one Dataplane. */
export interface DataplaneFacts {
  /** Its overview, with `outbounds` and `calledBy` where the control plane is monomesh. */
  readonly overview: Json;
  /** Names of the policies that select it, by type. */
  readonly policies: ReadonlyMap<string, readonly string[]>;
  /** The last failed requests, newest first. */
  readonly failures: readonly RequestFailure[];
  /** Oldest first. */
  readonly events: readonly EventJson[];
}

const WIDTH = 90;
const LABEL = 12;
const RECENT_MS = 300_000;

/** `monomesh inspect dataplane NAME`: what it is, since when and why, what comes next, and what to ask then (ux.md, 3.4). */
export function dataplaneStory(facts: DataplaneFacts, now: number): string {
  const { overview } = facts;
  const blocks = [
    [headline(overview, now), ...stateLines(overview, now)],
    [...trafficLines(facts), ...failureLines(facts, now)],
    facts.events.map((event) =>
      `  ${timeCell(Date.parse(event.time), now)}  ${event.kind.padEnd(9)}  ${event.detail}`.trimEnd(),
    ),
    [nextCommands(overview)],
  ];
  return `${blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
}

function headline(overview: Json, now: number): string {
  const title = `${textOf(overview["name"])}, mesh ${textOf(overview["mesh"])}`;
  const { status } = dataplaneStatus(overview, now);
  const since = timeOf(recordOf(overview["presence"])["since"]);
  const state = since === undefined ? status : `${status} for ${formatDuration(now - since)}`;
  return `${title}${state.padStart(Math.max(state.length + 2, WIDTH - title.length))}`;
}

function stateLines(overview: Json, now: number): string[] {
  const presence = recordOf(overview["presence"]);
  const status = dataplaneStatus(overview, now);
  const at = (value: unknown) => {
    const time = timeOf(value);
    return time === undefined ? "" : timeCell(time, now).trim();
  };
  const since = at(presence["since"]);
  const connected = isConnected(presence);
  const reason = textOf(presence["reason"]);
  const lines = [
    state("connected", connected ? "yes" : "no", `${since ? `since ${since}, ` : ""}${reason}`),
    state("healthy", status.healthy, healthText(overview)),
    state("config", status.config, configText(recordOf(overview["config"]), at)),
    state("certificate", "none", "mTLS is off in this mesh"),
  ];
  const rival = textOf(presence["rival"]);
  if (rival) lines.push(state("twice", "yes", `another sidecar of this name, at ${rival}, waits for this one to end`));
  const next = [
    presence["offlineAt"] === undefined ? "" : `${at(presence["offlineAt"])} Offline (idle timeout)`,
    presence["deletedAt"] === undefined ? "" : `${at(presence["deletedAt"])} deleted (cleanup age)`,
  ].filter((part) => part !== "");
  if (!connected && presence["lastSeen"] !== undefined) lines.push(state("last seen", "", at(presence["lastSeen"])));
  if (next.length > 0) lines.push(state("next", "", next.join(", ")));
  return lines;
}

function state(label: string, value: string, text: string): string {
  return `  ${label.padEnd(LABEL)} ${value === "" ? "" : value.padEnd(10)}${value === "" ? "" : " "}${text}`.trimEnd();
}

function healthText(overview: Json): string {
  const endpoints = recordOf(overview["presence"])["endpoints"];
  if (endpoints === "withdrawn") return "withdrawn: it gets no new requests";
  const trouble = textOf(recordOf(overview["presence"])["trouble"]);
  if (trouble) return trouble;
  const inbounds = arrayOf(recordOf(recordOf(overview["dataplane"])["networking"])["inbound"]);
  if (inbounds.length === 0) return "it offers no service";
  if (endpoints !== "healthy") return "the last choice: used only when no other of its service is left";
  const down = inbounds.filter((inbound) => !isReady(inbound)).map((inbound) => inbound["port"]);
  return down.length === 0 ? "gets traffic" : `no answer from the application behind port ${down.join(", ")}`;
}

function configText(config: Json, at: (value: unknown) => string): string {
  const since = config["since"] === undefined ? "" : `since ${at(config["since"])}`;
  const { acknowledged, wanted } = config;
  switch (config["state"]) {
    case "current":
      return [since, wanted === undefined ? "" : `revision ${wanted}`].filter(Boolean).join(", ");
    case "behind": {
      const has = acknowledged === undefined ? "has none yet" : `runs ${acknowledged}`;
      return [since, wanted === undefined ? "" : `${has}, wanted ${wanted}`].filter(Boolean).join(", ");
    }
    case "rejected":
      return [since, textOf(config["reason"])].filter(Boolean).join(", ");
    default:
      return "not connected";
  }
}

function trafficLines({ overview, policies }: DataplaneFacts): string[] {
  const dataplane = recordOf(overview["dataplane"]);
  const networking = recordOf(dataplane["networking"]);
  const presence = recordOf(overview["presence"]);
  const inbounds = arrayOf(networking["inbound"]).map((inbound) => {
    const address = textOf(inbound["address"]) || textOf(networking["address"]);
    const application = `${textOf(inbound["serviceAddress"]) || "127.0.0.1"}:${inbound["servicePort"] ?? inbound["port"]}`;
    const { "kuma.io/protocol": protocol = "tcp", ...tags } = recordOf(inbound["tags"]);
    const down = isReady(inbound) ? "" : "  not ready";
    return `${address}:${inbound["port"]} -> ${application}, ${protocol}, ${tagList(tags)}${down}`;
  });
  const outbounds = arrayOf(overview["outbounds"]).map((outbound) => {
    const { "kuma.io/service": service, ...subset } = recordOf(outbound["tags"]);
    const more = Object.keys(subset).length > 0 ? ` (${tagList(subset)})` : "";
    return `${outbound["address"]}:${outbound["port"]} -> ${service ?? "?"}${more}, ${endpointText(outbound)}`;
  });
  const callers = (overview["calledBy"] as readonly string[] | undefined) ?? [];
  const holder = isConnected(presence) ? textOf(presence["controlPlane"]) : "";
  const selected = [...policies].flatMap(([type, names]) => names.map((name) => `${type} ${name}`));
  return [
    ...labelled("inbound", inbounds),
    ...labelled("outbound", outbounds),
    ...labelled("called by", callers.length > 0 ? [shortList(callers, 8)] : []),
    ...labelled("policies", selected.length > 0 ? [shortList(selected, 4)] : []),
    ...labelled("runs", runsText(overview)),
    ...labelled("held by", holder === "" ? [] : [`control plane ${holder}`]),
  ];
}

/** Whether requests fail now, and how most of them do. */
function failureLines({ failures }: DataplaneFacts, now: number): string[] {
  const recent = failures.filter(({ time }) => now - Date.parse(time) <= RECENT_MS);
  if (recent.length === 0) return [];
  const { kind, count } = commonest(recent);
  const many = recent.length >= KEPT_FAILURES ? `${KEPT_FAILURES} or more` : String(recent.length);
  return labelled("failures", [
    `${many} in ${formatDuration(RECENT_MS)}, ${recent.length === 1 ? "" : `${count} of them `}${kind}`,
  ]);
}

function endpointText(outbound: Json): string {
  const healthy = Number(outbound["healthy"] ?? 0);
  const last = Number(outbound["lastChoice"] ?? 0);
  if (healthy + last === 0) return "no endpoint: nobody offers it now";
  if (healthy === 0) return `0 healthy, ${last} as the last choice`;
  return `${healthy} healthy${last > 0 ? `, ${last} as the last choice` : ""}`;
}

function runsText(overview: Json): string[] {
  const presence = recordOf(overview["presence"]);
  const versions = versionsText(overview);
  const parts = [
    versions === "-" ? "" : versions,
    lifecycleText(presence),
    presence["peer"] === undefined ? "" : `from ${textOf(presence["peer"]).replace(/:\d+$/, "")}`,
  ].filter(Boolean);
  return parts.length > 0 ? [parts.join(", ")] : [];
}

function lifecycleText(presence: Json): string {
  const name = textOf(presence["lifecycle"]);
  if (name === "") return "";
  const word = name.charAt(0).toUpperCase() + name.slice(1);
  return presence["ownsDataplane"] === true ? `${word}: deleted when it leaves` : `${word}: stays when it leaves`;
}

function labelled(label: string, texts: readonly string[]): string[] {
  return texts.map((text, at) => `  ${(at === 0 ? label : "").padEnd(LABEL)} ${text}`);
}

function tagList(tags: Json): string {
  return Object.entries(tags)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
}

function shortList(items: readonly string[], most: number): string {
  const more = items.length > most ? `, ${items.length - most} more` : "";
  return `${items.slice(0, most).join(", ")}${more}`;
}

function nextCommands(overview: Json): string {
  const name = textOf(overview["name"]);
  const mesh = meshFlag(overview);
  return `Try:  monomesh events --name ${name}${mesh}  ·  monomesh failures ${name}${mesh}`;
}
