import { ERROR_TABLE, type ErrorRow } from "../../../core/kernel/error-table.ts";
import { MeshError } from "../../../core/kernel/errors.ts";
import { tableText } from "../output/table.ts";
import type { Session } from "../session.ts";

/** The error table, offline. */
export async function runExplain(session: Session, code: string | undefined): Promise<number> {
  const rows: Readonly<Record<string, ErrorRow>> = ERROR_TABLE;
  if (code === undefined) {
    session.out(
      tableText(
        ["CODE", "MEANING"],
        Object.entries(rows).map(([each, row]) => [each, row.title]),
      ),
    );
    return 0;
  }
  const row = rows[code.toUpperCase()];
  if (!row) throw new MeshError("MM100", `there is no error code ${code}`, { todo: "All codes: monomesh explain" });
  session.out(`${code.toUpperCase()}  ${row.title}\n\n${row.explain}\n`);
  return 0;
}
