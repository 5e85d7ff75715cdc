import type { ResourceType } from "../../../core/model/resource-type.ts";
import { documentText, outputFormat } from "../output/print.ts";
import { tableText } from "../output/table.ts";
import { expectOk } from "../rest-client.ts";
import type { Session } from "../session.ts";
import { itemPath } from "../type-names.ts";
import { readList } from "./get.ts";

/** The proxies that a policy selects. Under kumactl: its list of attachments (contract, section 7.7). */
export async function runInspectPolicy(
  session: Session,
  type: ResourceType,
  name: string,
  options: { readonly output: string },
): Promise<number> {
  const client = await session.client();
  const path = itemPath(type, session.global.mesh, name);
  if (session.kumactl) {
    const body = expectOk(await client.get(`${path}/dataplanes`), `could not inspect ${type.name} ${name}`);
    session.out(affectedText(body as AffectedBody));
    return 0;
  }
  const format = outputFormat(options.output);
  const { items } = await readList(client, `${path}/_resources/dataplanes`, `the proxies of ${type.name} ${name}`, {});
  if (format === "json" || format === "yaml") {
    session.out(await documentText(format, { total: items.length, items }));
  } else if (format === "name") {
    session.out(items.map((item) => `dataplanes/${String(item["name"])}\n`).join(""));
  } else {
    session.out(
      tableText(
        ["MESH", "NAME"],
        items.map((item) => [String(item["mesh"]), String(item["name"])]),
      ),
    );
    session.talk(`${type.name} ${name} is for ${items.length} ${items.length === 1 ? "proxy" : "proxies"}.\n`);
  }
  return 0;
}

interface AffectedBody {
  readonly items: readonly {
    readonly dataplane: { readonly name: string };
    readonly attachments: readonly { readonly type: string; readonly name: string; readonly service: string }[];
  }[];
}

function affectedText({ items }: AffectedBody): string {
  const lines = items.flatMap(({ dataplane, attachments }) => [
    `  ${dataplane.name}:`,
    ...attachments.map(
      ({ type, name, service }) => `    ${type}${name ? ` ${name}` : ""}${service ? `(${service})` : ""}`,
    ),
    "",
  ]);
  return `Affected data plane proxies:\n\n${lines.join("\n")}${lines.length > 0 ? "\n" : ""}`;
}
