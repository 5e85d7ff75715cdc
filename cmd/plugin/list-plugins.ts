import type { PluginKind } from "../../core/kernel/plugin.ts";
import { loadCpSettings } from "../cp/load-cp-settings.ts";
import { SETTINGS } from "../cp/settings-table.ts";
import { documentText, outputFormat } from "../ctl/output/print.ts";
import { tableText } from "../ctl/output/table.ts";
import type { Io } from "../terminal/io.ts";
import { openCatalogue } from "./catalogue.ts";

export interface ListRequest {
  readonly configFile: string | undefined;
  readonly files: readonly string[];
  /** `table`, `wide`, `json`, `yaml` or `name`. */
  readonly format: string;
}

const KINDS: readonly PluginKind[] = ["store", "auth", "ca", "lifecycle", "policy", "envoy-binary"];

/** What a control plane with this configuration has, by kind; the one in use is marked. */
export async function listPlugins(io: Io, { configFile, files, format: word }: ListRequest): Promise<number> {
  const format = outputFormat(word);
  const settings = await loadCpSettings(io, configFile);
  const host = await openCatalogue([...settings.get(SETTINGS.plugins), ...files]);
  const inUse = new Set([
    `store/${settings.get(SETTINGS.storeType)}`,
    `auth/${settings.get(SETTINGS.dpAuthType) || "dpToken"}`,
    // All of them: each sidecar is served by the one that accepts it.
    ...host.list("lifecycle").map(({ plugin }) => `lifecycle/${plugin.name}`),
    ...host.list("policy").map(({ plugin }) => `policy/${plugin.name}`),
  ]);
  const found = KINDS.flatMap((kind) => host.list(kind)).map(({ plugin, file }) => ({
    kind: plugin.kind,
    name: plugin.name,
    used: inUse.has(`${plugin.kind}/${plugin.name}`),
    from: file ?? "built in",
    description: plugin.description,
  }));
  if (format === "json" || format === "yaml") {
    io.stdout.write(await documentText(format, found));
    return 0;
  }
  if (format === "name") {
    for (const { kind, name } of found) io.stdout.write(`${kind}/${name}\n`);
    return 0;
  }
  const rows = found.map((each) => [each.kind, each.name, each.used ? "yes" : "no", each.from, each.description]);
  const width = io.stdout.isTTY && format === "table" ? io.stdout.columns : undefined;
  io.stdout.write(tableText(["KIND", "NAME", "USED", "FROM", "DESCRIPTION"], rows, width));
  return 0;
}
