import { someOf } from "../events/event-text.ts";
import { formatDuration } from "../kernel/duration.ts";
import { nearest } from "../kernel/nearest.ts";
import { inboundsOf, outboundsOf, serviceOf } from "../model/dataplane/access.ts";
import type { DataplaneSpec } from "../model/dataplane/spec.ts";
import type { PresenceSpec } from "../model/dataplane-presence.ts";
import type { ConfigStatus } from "./config-status.ts";
import { notReadyPorts, type StatusWithReason } from "./status.ts";

/** What the rules look at of one proxy. */
export interface ProxyFacts {
  readonly name: string;
  readonly dataplane: DataplaneSpec;
  readonly presence: PresenceSpec | undefined;
  readonly status: StatusWithReason;
  readonly config: ConfigStatus;
}

/** Worst first; the order of the rules in docs/status.md. */
export const PROBLEM_KINDS = [
  "store",
  "no-endpoint",
  "mass-loss",
  "last-choice",
  "nobody-offers",
  "lost",
  "application",
  "offline",
  "rejected",
  "behind",
  "twice",
  "never-connected",
] as const;
export type ProblemKind = (typeof PROBLEM_KINDS)[number];

export interface Problem {
  /** A `problem` costs requests or will at the next failure; a `warning` wants to be looked at. */
  readonly severity: "problem" | "warning";
  readonly kind: ProblemKind;
  readonly mesh: string;
  /** The Dataplane or the service; empty for a mesh as a whole. */
  readonly name: string;
  /** Milliseconds since 1970; undefined where it is not known. */
  readonly since: number | undefined;
  /** One line for people. */
  readonly text: string;
  /** The command to go on with. */
  readonly next: string;
}

/** A configuration that is on its way is no news; one that has been for this long is. Milliseconds. */
const LONG_BEHIND_MS = 10_000;

/** Everything that is wrong in a mesh, worst first. Pure: the same facts give the same list. */
export function findProblems(mesh: string, proxies: readonly ProxyFacts[], now: number): readonly Problem[] {
  const picture: Picture = { mesh, flag: mesh === "default" ? "" : ` -m ${mesh}`, now, services: servicesOf(proxies) };
  const found = [
    ...[...picture.services.values()].flatMap((service) => serviceProblem(service, picture) ?? []),
    ...massLoss(proxies, picture),
    ...proxies.flatMap((proxy) => proxyProblems(proxy, picture)),
  ];
  const rank = ({ kind }: Problem) => PROBLEM_KINDS.indexOf(kind);
  return found.sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1));
}

interface Picture {
  readonly mesh: string;
  /** What a command needs to mean this mesh. */
  readonly flag: string;
  readonly now: number;
  readonly services: ReadonlyMap<string, ServiceFacts>;
}

interface ServiceFacts {
  readonly name: string;
  /** Proxies by what their endpoints are used for; `down`: not at all. */
  readonly healthy: string[];
  readonly lastChoice: string[];
  readonly down: string[];
  /** Connected proxies with an outbound to it. */
  readonly callers: string[];
}

function servicesOf(proxies: readonly ProxyFacts[]): Map<string, ServiceFacts> {
  const services = new Map<string, ServiceFacts>();
  const get = (name: string) => {
    const known = services.get(name) ?? { name, healthy: [], lastChoice: [], down: [], callers: [] };
    services.set(name, known);
    return known;
  };
  for (const { name, dataplane, presence } of proxies) {
    const down = notReadyPorts(dataplane, presence);
    for (const inbound of inboundsOf(dataplane)) {
      const service = serviceOf(inbound);
      // One that is ignored is no endpoint, and no trouble.
      if (service === undefined || inbound.state === "Ignored") continue;
      const use = down.includes(inbound.port) ? "down" : presence?.endpoints === "healthy" ? "healthy" : "lastChoice";
      addOnce(get(service)[use], name);
    }
    if (!isConnected(presence)) continue;
    for (const { service } of outboundsOf(dataplane)) if (service !== undefined) addOnce(get(service).callers, name);
  }
  return services;
}

function addOnce(names: string[], name: string): void {
  if (names.at(-1) !== name) names.push(name);
}

function isConnected(presence: PresenceSpec | undefined): boolean {
  return presence?.state === "connected" || presence?.state === "leaving";
}

/** A service that connected proxies call and that has nothing healthy to offer. */
function serviceProblem(service: ServiceFacts, { mesh, flag, services }: Picture): Problem | undefined {
  const { name, healthy, lastChoice, down, callers } = service;
  if (callers.length === 0 || healthy.length > 0) return undefined;
  const common = { severity: "problem", mesh, name, since: undefined } as const;
  const used = `used by ${someOf(callers)}`;
  const [first = ""] = [...lastChoice, ...down];
  if (lastChoice.length > 0) {
    const text = `${name} has only endpoints of last choice, ${someOf(lastChoice)}; ${used}`;
    return { ...common, kind: "last-choice", text, next: `monomesh inspect dataplane ${first}${flag}` };
  }
  if (down.length > 0) {
    const text = `${name} has no endpoint: ${someOf(down)} ${down.length === 1 ? "takes" : "take"} no traffic; ${used}`;
    return { ...common, kind: "no-endpoint", text, next: `monomesh inspect dataplane ${first}${flag}` };
  }
  const offered = [...services.values()].filter((each) => providersOf(each).length > 0);
  const close = nearest(
    name,
    offered.map((each) => each.name),
  );
  const text = `nobody offers ${name}; ${used}${close ? `. Nearest: ${close}` : ""}`;
  return { ...common, kind: "nobody-offers", text, next: `monomesh inspect dataplane ${callers[0]}${flag}` };
}

function providersOf({ healthy, lastChoice, down }: ServiceFacts): readonly string[] {
  return [...healthy, ...lastChoice, ...down];
}

function massLoss(proxies: readonly ProxyFacts[], { mesh, flag }: Picture): Problem[] {
  const spared = proxies.filter(({ presence }) => isSpared(presence));
  if (spared.length === 0) return [];
  const since = Math.min(...spared.map(({ presence }) => presence?.since ?? Number.POSITIVE_INFINITY));
  const text = `${spared.length} proxies were lost at once; their endpoints stay in use, as probably this control plane is cut off from them`;
  const next = `monomesh events --since 1h${flag}`;
  return [{ severity: "problem", kind: "mass-loss", mesh, name: "", since, text, next }];
}

/** Lost with so much of its mesh that its endpoints stay in use. */
function isSpared(presence: PresenceSpec | undefined): boolean {
  return presence?.state === "lost" && presence.endpoints === "healthy";
}

function proxyProblems({ name, dataplane, presence, status, config }: ProxyFacts, picture: Picture): Problem[] {
  const { mesh, flag, now } = picture;
  const common = { mesh, name, next: `monomesh inspect dataplane ${name}${flag}` };
  if (!presence) {
    return [
      { ...common, severity: "warning", kind: "never-connected", since: undefined, text: `${name} never connected` },
    ];
  }
  const { state, since, reason, lastSeen, rival } = presence;
  const left = leftText(dataplane, picture);
  if (state === "lost" || state === "offline") {
    if (isSpared(presence)) return [];
    const text = `${name} ${state === "lost" ? "lost" : "is offline, last seen"} ${formatDuration(now - lastSeen)} ago: ${reason}${left}`;
    return [{ ...common, severity: "problem", kind: state, since, text }];
  }
  if (state !== "connected") return [];
  const problems: Problem[] = [];
  if (notReadyPorts(dataplane, presence).length > 0 || presence.trouble !== undefined) {
    const text = `${name}: ${status.reason}${left}`;
    problems.push({ ...common, severity: "problem", kind: "application", since: undefined, text });
  }
  if (config.state === "rejected") {
    const text = `${name} runs an old configuration: ${config.reason}`;
    problems.push({ ...common, severity: "warning", kind: "rejected", since: config.since, text });
  } else if (config.state === "behind" && config.since !== undefined && now - config.since >= LONG_BEHIND_MS) {
    const text = `${name} has not acknowledged its configuration for ${formatDuration(now - config.since)}`;
    problems.push({ ...common, severity: "warning", kind: "behind", since: config.since, text });
  }
  if (rival !== undefined) {
    const text = `${name} runs twice: another sidecar of this name, at ${rival}, has to wait`;
    const next = `monomesh events --name ${name}${flag}`;
    problems.push({ ...common, severity: "warning", kind: "twice", since: undefined, text, next });
  }
  return problems;
}

/** `; 1 of 2 redis left` for each of its services. */
function leftText(dataplane: DataplaneSpec, { services }: Picture): string {
  const names = new Set(inboundsOf(dataplane).flatMap((inbound) => serviceOf(inbound) ?? []));
  return [...names]
    .map((name) => {
      const service = services.get(name);
      return service ? `; ${service.healthy.length} of ${providersOf(service).length} ${name} left` : "";
    })
    .join("");
}
