import { commonest, FAILURE_HEADER, type Failures, failureRows } from "../output/failure-table.ts";
import { documentText, outputFormat } from "../output/print.ts";
import { tableText, terminalWidth } from "../output/table.ts";
import { expectOk } from "../rest-client.ts";
import type { Session } from "../session.ts";

/** `failures NAME`: the last 200 failed requests of a sidecar. */
export async function runFailures(session: Session, name: string, options: { output: string }): Promise<number> {
  const format = outputFormat(options.output);
  const { mesh } = session.global;
  const path = `/meshes/${encodeURIComponent(mesh)}/dataplanes/${encodeURIComponent(name)}/_failures`;
  const answer = await (await session.client()).get(path);
  const failures = expectOk(answer, `could not get the failures of ${name}`) as Failures;
  if (format === "json" || format === "yaml") {
    session.out(await documentText(format, failures));
    return 0;
  }
  const oldestFirst = failures.items.toReversed();
  if (oldestFirst.length > 0) {
    session.out(tableText(FAILURE_HEADER, failureRows(oldestFirst, Date.now()), terminalWidth(session.io.stdout)));
  }
  session.talk(summary(name, failures));
  return 0;
}

function summary(name: string, { items, heldBy }: Failures): string {
  const elsewhere = heldBy
    ? `${name} is connected to another control plane, ${heldBy}; what it reported since is there.\n`
    : "";
  const newest = items[0];
  if (!newest) return elsewhere || `No failed request of ${name} is known.\n`;
  const most = commonest(items);
  const share = most.count === 1 ? "" : `; ${most.count} of them ${most.kind}`;
  return `${items.length} failed request${items.length === 1 ? "" : "s"}${share}.\n${elsewhere}`;
}
