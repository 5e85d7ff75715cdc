import type { ResourceType } from "../../../core/model/resource-type.ts";
import { ageSince } from "./age.ts";
import { arrayOf, type Json, recordOf } from "./json.ts";

export interface Columns {
  readonly header: readonly string[];
  row(item: Json, now: number): string[];
}

const text = (value: unknown): string => (value === undefined || value === null || value === "" ? "-" : String(value));

/** The tags of a Dataplane over all inbounds: `kuma.io/service=backend,web version=v1`. */
export function tagsText(dataplane: Json): string {
  const networking = recordOf(dataplane["networking"]);
  const values = new Map<string, Set<string>>();
  const gateway = recordOf(networking["gateway"]);
  for (const owner of [...arrayOf(networking["inbound"]), gateway]) {
    for (const [key, value] of Object.entries(recordOf(owner["tags"]))) {
      values.set(key, (values.get(key) ?? new Set()).add(String(value)));
    }
  }
  return [...values]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, all]) => `${key}=${[...all].sort().join(",")}`)
    .join(" ");
}

const age = (item: Json, now: number) => ageSince(item["creationTime"] as string | undefined, now);

const BY_TYPE: Readonly<Record<string, Columns>> = {
  Dataplane: {
    header: ["MESH", "NAME", "TAGS", "ADDRESS", "AGE"],
    row: (item, now) => [
      text(item["mesh"]),
      text(item["name"]),
      tagsText(item),
      text(recordOf(item["networking"])["address"]),
      age(item, now),
    ],
  },
  Mesh: {
    header: ["NAME", "mTLS", "METRICS", "LOGGING", "TRACING", "LOCALITY", "ZONEEGRESS", "AGE"],
    row: (item, now) => {
      const mtls = recordOf(item["mtls"]);
      const backend = arrayOf(mtls["backends"]).find((each) => each["name"] === mtls["enabledBackend"]);
      const routing = recordOf(item["routing"]);
      return [
        text(item["name"]),
        backend ? `${text(backend["type"])}/${text(backend["name"])}` : "off",
        recordOf(item["metrics"])["enabledBackend"] ? text(recordOf(item["metrics"])["enabledBackend"]) : "off",
        backends(recordOf(item["logging"])),
        backends(recordOf(item["tracing"])),
        routing["localityAwareLoadBalancing"] ? "on" : "off",
        routing["zoneEgress"] ? "on" : "off",
        age(item, now),
      ];
    },
  },
};

/** Policies: whom they are for. */
const POLICY: Columns = {
  header: ["MESH", "NAME", "TARGETREF KIND", "TARGETREF NAME", "AGE"],
  row: (item, now) => {
    const ref = recordOf(recordOf(item["spec"])["targetRef"]);
    return [text(item["mesh"]), text(item["name"]), text(ref["kind"] ?? "Mesh"), text(ref["name"]), age(item, now)];
  },
};

const MESH_SCOPED: Columns = {
  header: ["MESH", "NAME", "AGE"],
  row: (item, now) => [text(item["mesh"]), text(item["name"]), age(item, now)],
};
const GLOBAL: Columns = { header: ["NAME", "AGE"], row: (item, now) => [text(item["name"]), age(item, now)] };

function backends(section: Json): string {
  const names = arrayOf(section["backends"]).map((each) => `${text(each["type"])}/${text(each["name"])}`);
  return names.length > 0 ? names.join(", ") : "off";
}

/** kumactl's columns for `get`. */
export function columnsFor({ name, scope, policy }: ResourceType): Columns {
  return BY_TYPE[name] ?? (policy ? POLICY : scope === "Mesh" ? MESH_SCOPED : GLOBAL);
}
