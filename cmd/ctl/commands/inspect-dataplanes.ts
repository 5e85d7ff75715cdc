import type { ResourceType } from "../../../core/model/resource-type.ts";
import { ageSince } from "../output/age.ts";
import { tagsText } from "../output/columns.ts";
import { dataplaneRows } from "../output/dataplane-table.ts";
import { arrayOf, type Json, recordOf } from "../output/json.ts";
import { kumaStatus } from "../output/kuma-status.ts";
import { documentText, outputFormat } from "../output/print.ts";
import { kumactlTable, tableText, terminalWidth } from "../output/table.ts";
import type { Session } from "../session.ts";
import { collectionPath, findType } from "../type-names.ts";
import { parseTags } from "./generate-dataplane-token.ts";
import { readList } from "./get.ts";

export interface InspectDataplanesOptions {
  readonly output: string;
  readonly tag: readonly string[];
  readonly gateway: boolean;
}

/** All Dataplanes with what their sidecars report. Under kumactl: its 17 columns. */
export async function runInspectDataplanes(
  session: Session,
  types: readonly ResourceType[],
  options: InspectDataplanesOptions,
): Promise<number> {
  const type = findType(types, "dataplanes");
  const query = new URLSearchParams();
  for (const [key, values] of Object.entries(parseTags(options.tag)))
    for (const value of values) query.append("tag", `${key}:${value}`);
  if (options.gateway) query.set("gateway", "true");
  const filter = query.size > 0 ? `&${query}` : "";
  const path = `${collectionPath(type, session.global.mesh)}/_overview`;
  const { items } = await readList(await session.client(), path, "dataplanes", {}, filter);
  const format = outputFormat(options.output);
  if (format === "json" || format === "yaml") {
    session.out(await documentText(format, { total: items.length, items, next: null }));
  } else if (session.kumactl) {
    session.out(
      kumactlTable(
        KUMACTL_HEADER,
        items.map((item) => kumactlRow(item, Date.now())),
      ),
    );
  } else {
    const table = dataplaneRows(items, Date.now(), true);
    session.out(tableText(table.header, table.rows, terminalWidth(session.io.stdout)));
    session.talk(table.summary);
  }
  return 0;
}

const KUMACTL_HEADER = [
  "MESH",
  "NAME",
  "TAGS",
  "STATUS",
  "LAST CONNECTED AGO",
  "LAST UPDATED AGO",
  "TOTAL UPDATES",
  "TOTAL ERRORS",
  "CERT REGENERATED AGO",
  "CERT EXPIRATION",
  "CERT REGENERATIONS",
  "CERT BACKEND",
  "SUPPORTED CERT BACKENDS",
  "KUMA-DP VERSION",
  "ENVOY VERSION",
  "DEPENDENCIES VERSIONS",
  "NOTES",
];

function kumactlRow(item: Json, now: number): string[] {
  const dataplane = recordOf(item["dataplane"]);
  const subscriptions = arrayOf(recordOf(item["dataplaneInsight"])["subscriptions"]);
  const last = subscriptions.at(-1) ?? {};
  const status = recordOf(last["status"]);
  const sum = (field: string) =>
    String(
      subscriptions.reduce((total, each) => total + Number(recordOf(recordOf(each["status"])["total"])[field] ?? 0), 0),
    );
  const version = recordOf(last["version"]);
  return [
    String(item["mesh"]),
    String(item["name"]),
    tagsText(dataplane),
    kumaStatus(item),
    ageSince(last["connectTime"] as string | undefined, now),
    ageSince(status["lastUpdateTime"] as string | undefined, now),
    sum("responsesSent"),
    sum("responsesRejected"),
    "never",
    "-",
    "0",
    "-",
    "-",
    String(recordOf(version["kumaDp"])["version"] ?? "unknown"),
    String(recordOf(version["envoy"])["version"] ?? "unknown"),
    "-",
    "",
  ];
}
