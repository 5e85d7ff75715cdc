import type { RequestFailure } from "../../../core/model/request-failure.ts";
import { flagWords } from "../../../core/model/response-flags.ts";
import { documentText, outputFormat } from "../output/print.ts";
import { tableText } from "../output/table.ts";
import { expectOk } from "../rest-client.ts";
import type { Session } from "../session.ts";

/** What `GET /meshes/{mesh}/dataplanes/{name}/_failures` answers; newest first. */
interface Failures {
  readonly total: number;
  readonly items: readonly RequestFailure[];
  /** Another control plane, to which the sidecar is connected; what it reported since is there. */
  readonly heldBy?: string;
}

const HEADER = ["TIME", "DIRECTION", "SERVICE", "REQUEST", "STATUS", "ANSWERED BY", "ENDPOINT", "TOOK", "WHY"];

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
    const width = session.io.stdout.isTTY ? session.io.stdout.columns : undefined;
    session.out(tableText(HEADER, failureRows(oldestFirst, new Date()), width));
  }
  session.talk(summary(name, failures));
  return 0;
}

/** The newest stands last, next to the prompt. */
export function failureRows(failures: readonly RequestFailure[], now: Date): string[][] {
  return failures.map((failure) => [
    timeText(new Date(failure.time), now),
    failure.direction,
    failure.service ?? "-",
    failure.method === undefined && failure.status === undefined
      ? "tcp"
      : [failure.method ?? "", failure.path ?? ""].join(" ").trim() || "-",
    statusText(failure),
    answererText(failure),
    failure.upstream ?? "-",
    tookText(failure.durationMs),
    whyText(failure),
  ]);
}

/** Of another day with its date. */
function timeText(time: Date, now: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(":");
  return time.toDateString() === now.toDateString()
    ? clock
    : `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())} ${clock}`;
}

function statusText({ status, grpcStatus }: RequestFailure): string {
  if (!status) return "none";
  return grpcStatus === undefined ? String(status) : `${status}, grpc ${grpcStatus}`;
}

function answererText({ answeredBy, service }: RequestFailure): string {
  switch (answeredBy) {
    case "sidecar":
      return "this sidecar";
    case "remote-sidecar":
      return `sidecar of ${service ?? "upstream"}`;
    case "application":
      return service ?? "application";
    default:
      return "nobody";
  }
}

function tookText(ms: number | undefined): string {
  if (ms === undefined) return "-";
  return ms < 1000 ? `${ms}ms` : `${(ms / 1000).toFixed(1)}s`;
}

/** `UF upstream connection failure: …`. An application's own 5xx has neither flag nor details. */
function whyText({ flags, details }: RequestFailure): string {
  const words = flags.map((flag) => [flag, flagWords(flag)].filter(Boolean).join(" ")).join(", ");
  return [words, details].filter(Boolean).join(": ") || "-";
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

/** `outbound to redis: UH no healthy upstream`. */
function commonest(items: readonly RequestFailure[]): { readonly kind: string; readonly count: number } {
  const counts = new Map<string, number>();
  for (const { direction, service, flags, status } of items) {
    const place = `${direction} ${direction === "outbound" ? "to" : "of"} ${service ?? "an unknown service"}`;
    const what = flags[0] ? [flags[0], flagWords(flags[0])].filter(Boolean).join(" ") : `status ${status ?? "none"}`;
    const kind = `${place}: ${what}`;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  const [kind = "", count = 0] = [...counts].reduce((best, each) => (each[1] > best[1] ? each : best));
  return { kind, count };
}
