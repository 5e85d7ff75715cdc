import { isIP } from "node:net";
import {
  type DataplaneSpec,
  inboundAddress,
  inboundsOf,
  outboundsOf,
  protocolOf,
  serviceAddress,
  servicePort,
} from "../../model/types/dataplane.ts";
import { hostPort } from "../checks/port-check.ts";
import { holdersOfPort, holderText } from "../checks/socket-holders.ts";
import { tcpAnswers } from "../checks/tcp-answers.ts";
import type { EnvoyCluster } from "../envoy/envoy-admin.ts";
import type { TokenClaims } from "../trust/token-claims.ts";

/** One line of the start: what it is about, a sentence for a person, fields for machines. */
export interface Fact {
  readonly level: "info" | "warn";
  readonly text: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Time in which an application beside us must answer to count as there. */
const APP_ANSWER_MS = 250;

/** `0.48 s`, `12 s`. */
export function secondsText(ms: number): string {
  return ms < 10_000 ? `${(ms / 1000).toFixed(2)} s` : `${Math.round(ms / 1000)} s`;
}

/** `for backend-1, until tomorrow 14:01`. */
export function tokenText(claims: TokenClaims, now: number): string {
  const whose = claims.name ? `for ${claims.name}` : "for every Dataplane that its tags allow";
  return claims.expiresAt === undefined
    ? `${whose}, without end`
    : `${whose}, until ${momentText(claims.expiresAt, now)}`;
}

/** A moment as a person says it: `14:01`, `tomorrow 14:01`, `26 Nov 14:01`, `26 Nov 2036`. */
export function momentText(moment: number, now: number): string {
  const date = new Date(moment);
  const time = date.toTimeString().slice(0, 5);
  const dayOf = (ms: number) => new Date(ms).toDateString();
  if (dayOf(moment) === dayOf(now)) return time;
  if (dayOf(moment) === dayOf(now + 86_400_000)) return `tomorrow ${time}`;
  const day = `${date.getDate()} ${MONTHS[date.getMonth()]}`;
  return date.getFullYear() === new Date(now).getFullYear() ? `${day} ${time}` : `${day} ${date.getFullYear()}`;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** More than this is worth a word: tokens are valid from a moment on. */
const SKEW_WORTH_TELLING_MS = 2000;

/** `, clocks differ by 4.2 s`; empty when they agree. */
export function skewText(skew: number | undefined): string {
  if (skew === undefined || Math.abs(skew) <= SKEW_WORTH_TELLING_MS) return "";
  return `, clocks differ by ${secondsText(Math.abs(skew))}: this machine is ${skew > 0 ? "late" : "early"}`;
}

/**
 * One fact for each inbound: where it listens, where it leads, whether the application answers. `notReady`: the ports that
 * get no traffic before it does.
 */
export async function inboundFacts(dp: DataplaneSpec, notReady: readonly number[] = []): Promise<Fact[]> {
  const inbounds = inboundsOf(dp);
  const answers = await Promise.all(
    inbounds.map((each) => tcpAnswers(serviceAddress(each), servicePort(each), APP_ANSWER_MS)),
  );
  const rows = inbounds.map((each) => [
    hostPort(inboundAddress(dp, each), each.port),
    hostPort(serviceAddress(each), servicePort(each)),
    protocolOf(each),
  ]);
  const widths = [0, 1, 2].map((column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)));
  return inbounds.map((each, index) => {
    const [listen = "", app = "", protocol = ""] = (rows[index] ?? []).map((cell, column) =>
      cell.padEnd(widths[column] ?? 0),
    );
    const answered = answers[index] === true;
    const host = serviceAddress(each);
    const silence = () => silentApp(host, servicePort(each)) + (notReady.includes(each.port) ? NO_TRAFFIC : "");
    return {
      level: answered ? "info" : "warn",
      text: `${listen} -> ${app}  ${protocol}  ${answered ? "the app answers" : silence()}`,
      fields: { port: each.port, servicePort: servicePort(each), serviceAddress: host, answers: answered },
    };
  });
}

const NO_TRAFFIC = "; no traffic comes until it answers";

/** Nothing at the address that the sidecar uses: perhaps the application is at another address of this machine. */
function silentApp(host: string, port: number): string {
  const other = holdersOfPort(port)[0];
  if (!other) return "nothing listens there yet";
  const place = isIP(other.address) === 0 ? other.address : hostPort(other.address, port);
  return `nothing answers there; ${holderText(other)} has ${place}. Set serviceAddress: ${other.address}, or bind it to ${host}`;
}

/** One fact for each outbound: where the application connects to, and how many instances are behind it. */
export function outboundFacts(
  dp: DataplaneSpec,
  clusters: readonly EnvoyCluster[],
  unknownServices: Readonly<Record<string, string | null>>,
): Fact[] {
  const outbounds = outboundsOf(dp).flatMap((each) =>
    each.service === undefined ? [] : [{ ...each, service: each.service }],
  );
  const rows = outbounds.map((each) => [hostPort(each.address, each.port), each.service]);
  const widths = [0, 1].map((column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)));
  return outbounds.map((each, index) => {
    const [listen = "", service = ""] = (rows[index] ?? []).map((cell, column) => cell.padEnd(widths[column] ?? 0));
    const cluster = clusterOf(each.service, each.tags, clusters);
    const { healthy = 0, total = 0 } = cluster ?? {};
    return {
      level: healthy === 0 ? "warn" : "info",
      text: `${listen} -> ${service}  ${instances(healthy, total, unknownServices[each.service])}`,
      fields: { port: each.port, service: each.service, healthy, total },
    };
  });
}

/** `<service>`, or `<service>-<hash>` if the outbound has further tags (contract, section 4.8). */
function clusterOf(
  service: string,
  tags: Readonly<Record<string, string>>,
  clusters: readonly EnvoyCluster[],
): EnvoyCluster | undefined {
  const plain = Object.keys(tags).length <= 1;
  return clusters.find(({ name }) =>
    plain ? name === service : name.startsWith(`${service}-`) && /^[0-9a-f]{16}$/.test(name.slice(service.length + 1)),
  );
}

/** `nearest`: undefined when somebody offers the service or the control plane does not tell, null when nothing is near. */
function instances(healthy: number, total: number, nearest: string | null | undefined): string {
  if (total === 0 && nearest !== undefined)
    return nearest ? `no such service. Nearest: ${nearest}` : "no such service yet";
  if (total === 0) return "no instance yet";
  return healthy === total ? `${healthy} healthy` : `${healthy} of ${total} healthy`;
}
