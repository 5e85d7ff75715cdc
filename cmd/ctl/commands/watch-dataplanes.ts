import type { ResourceType } from "../../../core/model/resource-type.ts";
import type { Io } from "../../terminal/io.ts";
import { dataplaneRow, dataplaneRows } from "../output/dataplane-table.ts";
import type { Json } from "../output/json.ts";
import type { OutputFormat } from "../output/print.ts";
import { cutLine, tableText, terminalWidth } from "../output/table.ts";
import { type MirrorChange, mirrorOverviews } from "../overview-mirror.ts";
import type { Session } from "../session.ts";
import { collectionPath } from "../type-names.ts";

/** Ages in a table that stands grow; milliseconds. */
const REDRAW_MS = 1000;

/** `get dataplanes -w`: on a terminal the table, drawn anew; in a pipe first all rows, then those that changed; JSON: one a line. */
export async function watchDataplanes(
  session: Session,
  type: ResourceType,
  name: string | undefined,
  format: OutputFormat,
): Promise<number> {
  const query = new URLSearchParams({ watch: "true", ...(name === undefined ? {} : { name }) });
  const path = `${collectionPath(type, session.global.mesh)}/_overview?${query}`;
  const isWanted = (overview: Json) => name === undefined || overview["name"] === name;
  const view =
    format === "json" ? jsonLines(session) : canRedraw(session.io) ? screen(session, format) : rows(session, format);
  using _view = view;
  const onChange = ({ overviews, changed, gone }: MirrorChange) =>
    view.show({
      overviews: overviews.filter(isWanted),
      changed: changed.filter(isWanted),
      gone: gone.filter(isWanted),
    });
  await mirrorOverviews(session, path, onChange, session.signal);
  return 0;
}

/** A dumb terminal cannot move its cursor. */
function canRedraw({ stdout, env }: Io): boolean {
  return stdout.isTTY === true && env["TERM"] !== "dumb";
}

interface View extends Disposable {
  show(change: MirrorChange): void;
}

function jsonLines({ out }: Session): View {
  return {
    show({ changed, gone }) {
      for (const overview of changed) out(`${JSON.stringify(overview)}\n`);
      for (const { mesh, name } of gone) out(`${JSON.stringify({ mesh, name, deleted: true })}\n`);
    },
    [Symbol.dispose]: () => undefined,
  };
}

/** Rows that come later are aligned with the first ones when they say no more than this. */
const ROOM_FOR = ["", "", "", "", "Offline", "no, never", "last", "rejected"] as const;

/** A row comes again when what it says is different; its age alone is no difference. */
function rows({ out }: Session, format: OutputFormat): View {
  const wide = format === "wide";
  const said = new Map<string, string>();
  let widths: readonly number[] | undefined;
  const line = (cells: readonly string[]) =>
    `${cells
      .map((cell, at) => cell.padEnd(widths?.[at] ?? 0))
      .join("  ")
      .trimEnd()}\n`;
  return {
    show({ overviews, changed, gone }) {
      const now = Date.now();
      if (!widths) {
        const table = dataplaneRows(overviews, now, wide);
        const widest = [...table.rows, ROOM_FOR];
        widths = table.header.map((title, at) => Math.max(title.length, ...widest.map((row) => row[at]?.length ?? 0)));
        out(line(table.header));
      }
      for (const overview of changed) {
        const cells = dataplaneRow(overview, now, wide);
        const key = `${cells[0]} ${cells[1]}`;
        const words = cells.map((cell) => cell.replace(/\b(?:never|\d+[smhd])$/, "")).join(" ");
        if (said.get(key) === words) continue;
        said.set(key, words);
        out(line(cells));
      }
      for (const overview of gone) {
        const cells = dataplaneRow(overview, now, wide);
        said.delete(`${cells[0]} ${cells[1]}`);
        out(line(cells.map((cell, at) => (at < 4 ? cell : at === 4 ? "deleted" : "-"))));
      }
    },
    [Symbol.dispose]: () => undefined,
  };
}

/** The table in place. Of more rows than the terminal has, those in trouble are shown first. */
function screen({ out, io }: Session, format: OutputFormat): View {
  let overviews: readonly Json[] = [];
  let drawn = 0;
  const draw = () => {
    const { header, rows, summary } = dataplaneRows(overviews, Date.now(), format === "wide");
    const room = Math.max(1, (io.stdout.rows ?? 1000) - 3);
    const calm = (row: readonly string[]) => row[4] === "Online" && row.at(-1) === "";
    const shown =
      rows.length <= room ? rows : [...rows.filter((row) => !calm(row)), ...rows.filter(calm)].slice(0, room);
    const width = terminalWidth(io.stdout);
    const text = `${tableText(header, shown, width)}${cutLine(summary.trimEnd(), width)}\n`;
    out(`${drawn > 0 ? `\u001b[${drawn}A\u001b[J` : ""}${text}`);
    drawn = shown.length + 2;
  };
  const timer = setInterval(() => drawn > 0 && draw(), REDRAW_MS);
  return {
    show(change) {
      overviews = change.overviews;
      draw();
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
