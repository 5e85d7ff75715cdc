import type { RequestFailure } from "../../../core/model/request-failure.ts";
import { flagWords } from "../../../core/model/response-flags.ts";
import { timeCell } from "./time.ts";

/** What `GET /meshes/{mesh}/dataplanes/{name}/_failures` answers; newest first. */
export interface Failures {
  readonly total: number;
  readonly items: readonly RequestFailure[];
  /** Another control plane, to which the sidecar is connected; what it reported since is there. */
  readonly heldBy?: string;
}

export const FAILURE_HEADER = [
  "TIME",
  "DIRECTION",
  "SERVICE",
  "REQUEST",
  "STATUS",
  "ANSWERED BY",
  "ENDPOINT",
  "TOOK",
  "WHY",
];

/** The newest stands last, next to the prompt. */
export function failureRows(failures: readonly RequestFailure[], now: number): string[][] {
  return failures.map((failure) => [
    timeCell(Date.parse(failure.time), now),
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

/** `outbound to redis: UH no healthy upstream`. */
export function commonest(items: readonly RequestFailure[]): { readonly kind: string; readonly count: number } {
  const counts = new Map<string, number>();
  for (const failure of items) {
    const { direction, service } = failure;
    const place = `${direction} ${direction === "outbound" ? "to" : "of"} ${service ?? "an unknown service"}`;
    const kind = `${place}: ${causeText(failure)}`;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  const [kind = "", count = 0] = [...counts].reduce((best, each) => (each[1] > best[1] ? each : best));
  return { kind, count };
}

/** The flag that says most; that retries were used up says nothing about the attempts. */
function causeText(failure: RequestFailure): string {
  const flag = failure.flags.find((each) => each !== "URX");
  if (flag) return [flag, flagWords(flag)].filter(Boolean).join(" ");
  return `${statusText(failure)} from ${answererText(failure)}`;
}
