import type { Clock } from "../kernel/clock.ts";
import { formatDuration } from "../kernel/duration.ts";
import { toMeshError } from "../kernel/errors.ts";
import type { Logger } from "../kernel/log.ts";
import type { ControlPlaneLink } from "./control-plane/control-plane-link.ts";
import { askToWithdraw, HURRIED_LEFT_MS, sayLeft } from "./control-plane/leave.ts";
import { type DrainResult, drain, inboundTraffic, trafficText } from "./drain.ts";
import type { SidecarParts } from "./join.ts";
import { secondsText } from "./story/fact-text.ts";

export interface LeaveOptions {
  readonly parts: SidecarParts;
  readonly link: ControlPlaneLink;
  /** Milliseconds at the most. */
  readonly drainTime: number;
  /** The listeners were drained on the user's word before (SIGUSR2): there is nothing left to wait for. */
  readonly listenersDrained: boolean;
  /** Aborts at a second signal: the rest happens at once. */
  readonly hurry: AbortSignal;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Leaves gracefully (design.md, Presence and Drain): the control plane withdraws our endpoints everywhere, then Envoy
 * drains, ends, and the control plane hears that we have left. Nothing on the way keeps it from ending.
 */
export async function leaveMesh(options: LeaveOptions): Promise<void> {
  const { parts, link, hurry, log } = options;
  parts.watch?.abort();
  const everywhere = !options.listenersDrained && (await withdraw(options));
  const result = options.listenersDrained ? undefined : await drainEnvoy(options, everywhere);
  await parts.keeper?.stop(hurry.aborted ? "now" : "gracefully");
  if (parts.leaver) await sayLeft(link, parts.leaver, ...(hurry.aborted ? [HURRIED_LEFT_MS] : []));
  log.info("gone", goneText(result), { tookMs: result && Math.round(result.took), left: result?.left });
}

/** True when every consumer has confirmed that our endpoints are withdrawn; a line says how it went. */
async function withdraw({ parts, link, drainTime, hurry, log }: LeaveOptions): Promise<boolean> {
  const { leaver, admin } = parts;
  // At once: the sooner the consumers know, the sooner the last request comes. Envoy is asked beside it.
  const asked = leaver && askToWithdraw(link, leaver, hurry);
  asked?.catch(() => undefined);
  const traffic = admin && (await inboundTraffic(admin));
  const open = traffic ? `; ${trafficText(traffic)}` : "";
  const whole = `the whole drain time (${formatDuration(drainTime)}) is waited`;
  if (!asked) {
    log.info("leaving", `leaving: this control plane notices by itself; ${whole}${open}`);
    return false;
  }
  try {
    const { consumers, missing, tookMs } = await asked;
    const who = missing.length > 0 ? `, not by ${missing.join(", ")}; ${whole}` : "";
    const text = `leaving: withdrawn from ${consumers - missing.length} of ${consumers} consumers in ${tookMs} ms${who}${open}`;
    log.info("withdrawn", text, { consumers, missing, tookMs });
    return missing.length === 0;
  } catch (error) {
    if (hurry.aborted) return false;
    log.warn("leaving", `leaving: the control plane did not hear it (${toMeshError(error).message}); ${whole}${open}`);
    return false;
  }
}

async function drainEnvoy(options: LeaveOptions, everywhere: boolean): Promise<DrainResult | undefined> {
  const { parts, clock, drainTime, hurry, log } = options;
  if (!parts.admin) return undefined;
  try {
    await parts.admin.failHealthcheck();
  } catch (error) {
    log.warn("leaving", `Envoy does not drain: ${toMeshError(error).message}`);
    return undefined;
  }
  return drain({ admin: parts.admin, clock, drainTime, withdrawnEverywhere: everywhere, signal: hurry });
}

function goneText(result: DrainResult | undefined): string {
  if (!result?.left) return "gone.";
  const { left, took } = result;
  const open = left.requests || left.connections;
  const cut = open === 0 ? "No request was cut." : `${trafficText(left)} ${open === 1 ? "was" : "were"} cut.`;
  return `gone after ${secondsText(took)}. ${cut}`;
}
