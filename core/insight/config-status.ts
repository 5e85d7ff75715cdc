import { oneLine } from "../kernel/one-line.ts";
import type { DataplaneInsightSpec } from "../model/types/dataplane-insight.ts";
import type { Freshness } from "../push/freshness.ts";
import type { PolicyName } from "../push/policies-behind.ts";

/** Whether a proxy runs the configuration it should. */
export interface ConfigStatus {
  /** `rejected`: Envoy refused the newest one of a type and goes on with what it had. `unknown`: it is not connected. */
  readonly state: "current" | "behind" | "rejected" | "unknown";
  /** Since when, milliseconds since 1970; undefined where only counters are known. */
  readonly since: number | undefined;
  /** Configurations (or, from counters, responses) that are not acknowledged. */
  readonly behind: number;
  /** Store revisions; undefined where only counters are known. */
  readonly wanted: number | undefined;
  readonly acknowledged: number | undefined;
  /** One plain sentence; empty when there is nothing to say. */
  readonly reason: string;
}

/** A configuration that Envoy refused, as it is stored. */
export type Rejection = NonNullable<DataplaneInsightSpec["rejections"]>[number];

/**
 * From the memory of the control plane that holds the stream if that is this one, else from the counters that are stored
 * (contract, section 4.5), which are a few seconds old. What a proxy without a stream runs now, nobody knows.
 */
export function configStatus(
  connected: boolean,
  insight: DataplaneInsightSpec | undefined,
  fresh: Freshness | undefined,
): ConfigStatus {
  const rejection = openRejection(insight);
  if (connected && fresh) {
    const { wanted, acknowledged, behind, since } = fresh;
    const known = { wanted, acknowledged, behind, since };
    if (behind === 0) return { ...known, state: "current", reason: "" };
    return rejection
      ? { ...known, state: "rejected", since: rejection.time, reason: rejectionText(rejection) }
      : { ...known, state: "behind", reason: "not acknowledged yet" };
  }
  const newest = insight?.subscriptions?.at(-1);
  const unknown = { wanted: undefined, acknowledged: undefined, since: undefined };
  if (!connected || !newest) return { ...unknown, state: "unknown", behind: 0, reason: "" };
  const { responsesSent = 0, responsesAcknowledged = 0, responsesRejected = 0 } = newest.status?.total ?? {};
  if (rejection) {
    const behind = Math.max(1, responsesRejected);
    return { ...unknown, state: "rejected", behind, since: rejection.time, reason: rejectionText(rejection) };
  }
  // A rejection that was mended by a later response counts as answered.
  const behind = Math.max(0, responsesSent - responsesAcknowledged - responsesRejected);
  if (behind === 0) return { ...unknown, state: "current", behind, reason: "" };
  return { ...unknown, state: "behind", behind, since: newest.status?.lastUpdateTime, reason: "not acknowledged yet" };
}

/** The newest rejection that no acknowledgement followed. */
export function openRejection(insight: DataplaneInsightSpec | undefined): Rejection | undefined {
  return insight?.rejections?.findLast((each) => each.acceptedTime === undefined);
}

/** `Envoy refused inbound:10.0.0.23:80 (lds): cannot bind …`, without the words that Envoy puts before each, and the policies behind it. */
export function rejectionText({ type, resource, message, policies = [] }: Rejection): string {
  if (resource === undefined) return `Envoy refused its newest ${type}: ${firstLine(message)}`;
  const reason = message.slice(message.indexOf(resource) + resource.length).replace(/^: /, "");
  return `Envoy refused ${resource} (${type}): ${firstLine(reason)}${policiesText(policies)}`;
}

/** ` (its policies: MeshTimeout slow, MeshTimeout all)`: who had a say in what was refused; empty if none. */
export function policiesText(policies: readonly PolicyName[]): string {
  return policies.length > 0
    ? ` (its policies: ${policies.map(({ type, name }) => `${type} ${name}`).join(", ")})`
    : "";
}

/** Envoy names one resource in each line; the first says enough. */
function firstLine(message: string): string {
  return oneLine(message.trimStart().split("\n", 1)[0] ?? "", 300);
}

/** The resource that Envoy's words name, as in `Error adding/updating listener(s) NAME: reason`; undefined if none is. */
export function resourceNamedIn(message: string): string | undefined {
  return /^Error adding\/updating [a-z ]+\(s\) (\S+): /.exec(message)?.[1];
}
