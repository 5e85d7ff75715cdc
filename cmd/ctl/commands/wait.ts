import { formatDuration, parseDuration } from "../../../core/kernel/duration.ts";
import { MeshError } from "../../../core/kernel/errors.ts";
import { dataplaneStatus } from "../output/dataplane-table.ts";
import { arrayOf, type Json, recordOf } from "../output/json.ts";
import { isReady } from "../output/kuma-status.ts";
import { mirrorOverviews } from "../overview-mirror.ts";
import type { Session } from "../session.ts";

export interface WaitOptions {
  /** A duration. */
  readonly timeout: string;
}

/** `wait service NAME --healthy N`: until so many endpoints of a service are in normal use. Exit code 1 when the time is up. */
export async function runWaitService(
  session: Session,
  service: string,
  options: WaitOptions & { readonly healthy: string },
): Promise<number> {
  const wanted = /^\d{1,6}$/.test(options.healthy) ? Number(options.healthy) : 0;
  if (wanted === 0) throw new MeshError("MM100", `--healthy ${options.healthy} is no number from 1`);
  const query = new URLSearchParams({ tag: `kuma.io/service:${service}`, watch: "true" });
  return await waitFor(session, query, options, (overviews) => {
    const healthy = overviews.reduce((sum, overview) => sum + healthyInbounds(overview, service), 0);
    const of = `${healthy} of ${wanted} ${service} ${healthy === 1 ? "is" : "are"} healthy`;
    const others = overviews.filter((each) => healthyInbounds(each, service) < inboundsFor(each, service).length);
    const first = others[0] && `; ${reasonText(others[0])}`;
    return { done: healthy >= wanted, text: `${of}${first ?? ""}` };
  });
}

/** `wait dataplane NAME`: until it is Online and has the newest configuration. */
export async function runWaitDataplane(session: Session, name: string, options: WaitOptions): Promise<number> {
  const query = new URLSearchParams({ name, watch: "true" });
  return await waitFor(session, query, options, (overviews) => {
    const overview = overviews.find((each) => each["name"] === name);
    if (!overview) return { done: false, text: `there is no Dataplane ${name}` };
    const { status, config } = dataplaneStatus(overview, Date.now());
    return { done: status === "Online" && config === "current", text: reasonText(overview) };
  });
}

interface Verdict {
  readonly done: boolean;
  readonly text: string;
}

async function waitFor(
  session: Session,
  query: URLSearchParams,
  { timeout }: WaitOptions,
  judge: (overviews: readonly Json[]) => Verdict,
): Promise<number> {
  const patience = parseDuration(timeout);
  if (!patience || patience < 0)
    throw new MeshError("MM100", `--timeout ${timeout} is no duration`, { todo: "Such as 30s." });
  const started = performance.now();
  const enough = new AbortController();
  const signal = AbortSignal.any([session.signal, enough.signal, AbortSignal.timeout(Math.ceil(patience))]);
  let last: Verdict = { done: false, text: "the control plane has not answered" };
  const path = `/meshes/${encodeURIComponent(session.global.mesh)}/dataplanes/_overview?${query}`;
  await mirrorOverviews(
    session,
    path,
    ({ overviews }) => {
      last = judge(overviews);
      if (last.done) enough.abort();
    },
    signal,
    true,
  );
  const took = formatDuration(performance.now() - started);
  session.talk(last.done ? `${last.text} (${took})\n` : `gave up after ${took}: ${last.text}\n`);
  return last.done ? 0 : 1;
}

function inboundsFor(overview: Json, service: string): Json[] {
  const inbounds = arrayOf(recordOf(recordOf(overview["dataplane"])["networking"])["inbound"]);
  return inbounds.filter((inbound) => recordOf(inbound["tags"])["kuma.io/service"] === service);
}

/** Inbounds whose endpoint is in normal use: of a proxy that is connected (or lost with half of its mesh), and ready. */
function healthyInbounds(overview: Json, service: string): number {
  if (recordOf(overview["presence"])["endpoints"] !== "healthy") return 0;
  return inboundsFor(overview, service).filter(isReady).length;
}

/** `redis-2 Lost: no sign of life`. */
function reasonText(overview: Json): string {
  const { status, config, why } = dataplaneStatus(overview, Date.now());
  const state = status === "Online" && config !== "current" ? `Online, configuration ${config}` : status;
  return `${String(overview["name"])} ${state}${why ? `: ${why}` : ""}`;
}
