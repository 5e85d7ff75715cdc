import type { DataplaneInsightSpec, DiscoverySubscription } from "../model/types/dataplane-insight.ts";

/** What one control plane has to say about a proxy since it last wrote. */
export interface InsightNews {
  /** Subscriptions of streams at this control plane, oldest first. */
  readonly subscriptions: readonly DiscoverySubscription[];
  /** Ids of those that opened (or opened again) since the last write. */
  readonly opened: ReadonlySet<string>;
  /** Set when the proxy became offline or left: its last sign of life, milliseconds since 1970. */
  readonly absentSince: number | undefined;
  /** Node metadata and rejections of the newest stream; undefined when nothing new is known. */
  readonly metadata: Readonly<Record<string, unknown>> | undefined;
  readonly rejections: DataplaneInsightSpec["rejections"] | undefined;
}

/**
 * The document with the news in it (contract, section 4.5). Several control planes write the same document: each
 * touches its own subscriptions only, except that a new one closes those that were left open.
 */
export function mergeInsight(
  stored: DataplaneInsightSpec | undefined,
  news: InsightNews,
  now: number,
  limit: number,
): DataplaneInsightSpec {
  let subscriptions = [...(stored?.subscriptions ?? [])];
  if (news.absentSince !== undefined) subscriptions = closed(subscriptions, news.absentSince);
  for (const subscription of news.subscriptions) {
    const at = subscriptions.findIndex((each) => each.id === subscription.id);
    const known = subscriptions[at];
    if (news.opened.has(subscription.id)) {
      if (known) subscriptions.splice(at, 1);
      subscriptions = [...closed(subscriptions, now), subscription];
    } else if (known) {
      const end = known.disconnectTime;
      subscriptions[at] = end === undefined ? subscription : { ...subscription, disconnectTime: end };
    }
  }
  const { subscriptions: _, rejections: __, ...rest } = stored ?? {};
  const rejections = news.rejections ?? stored?.rejections ?? [];
  return {
    ...rest,
    subscriptions: limit > 0 ? subscriptions.slice(-limit) : [],
    ...(news.metadata ? { metadata: { ...news.metadata } } : {}),
    ...(rejections.length > 0 ? { rejections: [...rejections] } : {}),
  };
}

function closed(subscriptions: readonly DiscoverySubscription[], at: number): DiscoverySubscription[] {
  return subscriptions.map((each) =>
    each.disconnectTime === undefined ? { ...each, disconnectTime: Math.max(at, each.connectTime ?? at) } : each,
  );
}
