import { MeshError } from "../../../core/kernel/errors.ts";
import type { ResourceType } from "../../../core/model/resource-type.ts";
import { DATAPLANE } from "../../../core/model/types/dataplane.ts";
import { columnsFor } from "../output/columns.ts";
import { dataplaneRows } from "../output/dataplane-table.ts";
import type { Json } from "../output/json.ts";
import { documentText, outputFormat } from "../output/print.ts";
import { kumactlTable, tableText, terminalWidth } from "../output/table.ts";
import { expectOk, type RestClient } from "../rest-client.ts";
import type { Session } from "../session.ts";
import { collectionPath, findType, itemPath } from "../type-names.ts";
import { watchDataplanes } from "./watch-dataplanes.ts";

export interface GetOptions {
  readonly output: string;
  /** Items a page; all pages are read when absent. */
  readonly size?: string | undefined;
  readonly offset?: string | undefined;
  readonly watch?: boolean | undefined;
}

interface ListBody {
  readonly total: number;
  readonly items: readonly Json[];
  readonly next: string | null;
}

export async function runGet(
  session: Session,
  types: readonly ResourceType[],
  word: string,
  name: string | undefined,
  options: GetOptions,
): Promise<number> {
  const type = findType(types, word);
  const format = outputFormat(options.output);
  if (options.watch) {
    if (type.name !== DATAPLANE) throw new MeshError("MM100", `-w shows dataplanes, not ${type.path}`);
    return await watchDataplanes(session, type, name, format);
  }
  const client = await session.client();
  const now = Date.now();
  const rich = type.name === DATAPLANE && !session.kumactl && (format === "table" || format === "wide");
  if (name !== undefined) {
    const path = itemPath(type, session.global.mesh, name) + (rich ? "/_overview" : "");
    const item = expectOk(await client.get(path), `could not get ${type.name} ${name}`) as Json;
    await print(session, type, format, [item], { single: true, rich, now });
    return 0;
  }
  const { items, total, next } = await readList(
    client,
    collectionPath(type, session.global.mesh) + (rich ? "/_overview" : ""),
    type.path,
    options,
  );
  await print(session, type, format, items, { single: false, rich, now });
  if (next) session.talk(`${items.length} of ${total}. The rest: --offset=${next}\n`);
  return 0;
}

async function print(
  session: Session,
  type: ResourceType,
  format: ReturnType<typeof outputFormat>,
  items: readonly Json[],
  { single, rich, now }: { single: boolean; rich: boolean; now: number },
): Promise<void> {
  if (format === "json" || format === "yaml") {
    session.out(await documentText(format, single ? items[0] : { total: items.length, items, next: null }));
  } else if (format === "name") {
    session.out(items.map((item) => `${type.path}/${String(item["name"])}\n`).join(""));
  } else if (rich) {
    const table = dataplaneRows(items, now, format === "wide");
    session.out(tableText(table.header, table.rows, terminalWidth(session.io.stdout)));
    session.talk(table.summary);
  } else {
    const columns = columnsFor(type);
    const rows = items.map((item) => columns.row(item, now));
    session.out(session.kumactl ? kumactlTable(columns.header, rows) : tableText(columns.header, rows));
  }
}

/** Reads one page when `--size` or `--offset` was given, else all of them. */
export async function readList(
  client: RestClient,
  path: string,
  what: string,
  options: Pick<GetOptions, "size" | "offset">,
  filter = "",
): Promise<{ items: Json[]; total: number; next: string | undefined }> {
  const items: Json[] = [];
  let offset = options.offset;
  for (;;) {
    const query = new URLSearchParams({ size: options.size ?? "1000", ...(offset === undefined ? {} : { offset }) });
    const body = expectOk(await client.get(`${path}?${query}${filter}`), `could not list ${what}`) as ListBody;
    items.push(...body.items);
    const next = body.next ? (new URL(body.next, client.url).searchParams.get("offset") ?? undefined) : undefined;
    if (!next || options.size !== undefined) return { items, total: body.total, next };
    offset = next;
  }
}
