import type { EventJson } from "../../../core/events/event-json.ts";
import { outcomeText } from "../../../core/events/event-text.ts";
import { ageText } from "../output/age.ts";
import { documentText, outputFormat } from "../output/print.ts";
import { cutLine, terminalWidth } from "../output/table.ts";
import { timeCell } from "../output/time.ts";
import { expectOurs } from "../rest-client.ts";
import type { Session } from "../session.ts";

/** What `GET /_status` answers (docs/rest.md). */
interface StatusBody {
  readonly controlPlane: { readonly instance: string; readonly version: string; readonly startedAt: string };
  readonly meshes: readonly {
    readonly name: string;
    readonly services: number;
    readonly dataplanes: number;
    readonly statuses: Readonly<Record<string, number>>;
  }[];
  readonly problems: readonly {
    readonly severity: "problem" | "warning";
    readonly text: string;
    readonly next: string;
  }[];
  readonly lastChange?: EventJson;
}

/** Of more, the worst are shown; `-o json` has all. */
const MOST_SHOWN = 20;

/** What is wrong, worst first, each with the command to go on with (ux.md, section 3.7). Exit code 1 if there is a problem. */
export async function runStatus(
  session: Session,
  options: { readonly output: string; readonly allMeshes: boolean },
): Promise<number> {
  const format = outputFormat(options.output);
  const query = options.allMeshes ? "" : `?${new URLSearchParams({ mesh: session.global.mesh })}`;
  const answer = await (await session.client()).get(`/_status${query}`);
  const status = expectOurs(answer, "could not get the status") as StatusBody;
  const failed = status.problems.some(({ severity }) => severity === "problem");
  if (format === "json" || format === "yaml") session.out(await documentText(format, status));
  else {
    const width = terminalWidth(session.io.stdout);
    for (const line of statusLines(status, Date.now())) session.out(`${cutLine(line, width)}\n`);
  }
  return failed ? 1 : 0;
}

function statusLines({ controlPlane, meshes, problems, lastChange }: StatusBody, now: number): string[] {
  const where = meshes.length === 1 ? `mesh ${meshes[0]?.name}` : `${meshes.length} meshes`;
  const up = `control plane up ${ageText(now - Date.parse(controlPlane.startedAt))}`;
  const services = meshes.reduce((sum, mesh) => sum + mesh.services, 0);
  const dataplanes = meshes.reduce((sum, mesh) => sum + mesh.dataplanes, 0);
  const facts = `${up}, ${counted(services, "service")}, ${counted(dataplanes, "dataplane")}`;
  const count = (severity: string) => problems.filter((each) => each.severity === severity).length;
  const counts = [counted(count("problem"), "problem"), counted(count("warning"), "warning")];
  const head =
    problems.length === 0
      ? `Nothing is wrong in ${where} (${facts})`
      : `${counts.filter((each) => !each.startsWith("0 ")).join(", ")} in ${where} (${facts})`;
  const shown = problems
    .slice(0, MOST_SHOWN)
    .flatMap(({ severity, text, next }) => [
      `  ${severity === "problem" ? "PROBLEM" : "warning"}  ${text}`,
      `           ${next}`,
    ]);
  const more =
    problems.length > MOST_SHOWN ? [`  … and ${problems.length - MOST_SHOWN} more: monomesh status -o json`] : [];
  return [head, ...shown, ...more, ...(lastChange && problems.length > 0 ? [changeLine(lastChange, now)] : [])];
}

function changeLine({ time, kind, type, name, user = "", outcome }: EventJson, now: number): string {
  const told = outcome ? outcomeText(outcome) : "";
  const when = timeCell(Date.parse(time), now).trim();
  return `Last change: ${when} ${type} ${name} ${kind} by ${user}${told ? `, ${told}` : ""} (monomesh events)`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
