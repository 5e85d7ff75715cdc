import { ERROR_TABLE, type ErrorRow } from "../../../core/kernel/error-table.ts";
import { MeshError } from "../../../core/kernel/errors.ts";
import { flagWords } from "../../../core/model/response-flags.ts";
import { tableText } from "../output/table.ts";
import type { Session } from "../session.ts";
import { FLAG_TEXTS } from "./flag-texts.ts";

/** The error table and Envoy's response flags, offline. */
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
  const name = code.toUpperCase();
  const row = rows[name];
  const words = flagWords(name);
  if (row) session.out(`${name}  ${row.title}\n\n${row.explain}\n`);
  else if (words !== undefined) session.out(flagText(name, words));
  else throw new MeshError("MM100", `there is no error code ${code}`, { todo: "All codes: monomesh explain" });
  return 0;
}

/** A flag as `monomesh failures` shows it. */
function flagText(flag: string, words: string): string {
  const text = FLAG_TEXTS[flag];
  return `${flag}  ${words} (response flag of Envoy)\n${text === undefined ? "" : `\n${text}\n`}`;
}
