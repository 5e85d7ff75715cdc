import type { XdsType } from "../envoy/encoded-resource.ts";
import type {
  DataplaneInsightSpec,
  DiscoveryServiceStats,
  DiscoverySubscription,
} from "../model/types/dataplane-insight.ts";
import type { StreamNode } from "../xds/stream-events.ts";
import { resourceNamedIn } from "./config-status.ts";
import { versionOf } from "./version.ts";

type Counter = keyof DiscoveryServiceStats;
type Rejection = NonNullable<DataplaneInsightSpec["rejections"]>[number];
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Kuma's name of each type; secrets are counted in the total only (contract, section 4.5). */
export const SHORT_NAME: Readonly<Record<XdsType, string>> = {
  cluster: "cds",
  endpoint: "eds",
  secret: "sds",
  listener: "lds",
  route: "rds",
};
const COUNTED = ["cds", "eds", "lds", "rds"] as const;

/** What one stream has to say; the counters change in place, the document is built when it is written. */
export class Subscription {
  readonly id: string;
  readonly #instance: string;
  readonly #connectTime: number;
  readonly #version: DiscoverySubscription["version"];
  readonly #total: Mutable<DiscoveryServiceStats> = {};
  readonly #types = new Map<string, Mutable<DiscoveryServiceStats>>();
  readonly #rejections = new Map<string, Rejection>();
  #lastUpdateTime: number | undefined;

  constructor(id: string, instance: string, node: StreamNode, now: number) {
    this.id = id;
    this.#instance = instance;
    this.#connectTime = now;
    this.#version = versionOf(node.metadata);
  }

  count(type: XdsType, counter: Counter, now: number): void {
    const name = SHORT_NAME[type];
    const stats = this.#types.get(name) ?? {};
    this.#types.set(name, stats);
    for (const each of [this.#total, stats]) each[counter] = (each[counter] ?? 0) + 1;
    this.#lastUpdateTime = now;
    const rejection = this.#rejections.get(name);
    if (counter === "responsesAcknowledged" && rejection && rejection.acceptedTime === undefined) {
      this.#rejections.set(name, { ...rejection, acceptedTime: now });
    }
  }

  reject(type: XdsType, message: string, now: number): void {
    this.count(type, "responsesRejected", now);
    const name = SHORT_NAME[type];
    this.#rejections.delete(name);
    const resource = resourceNamedIn(message);
    this.#rejections.set(name, { type: name, ...(resource ? { resource } : {}), message, time: now });
  }

  get rejections(): readonly Rejection[] {
    return [...this.#rejections.values()];
  }

  build(): DiscoverySubscription {
    const status: Mutable<NonNullable<DiscoverySubscription["status"]>> = { total: { ...this.#total } };
    if (this.#lastUpdateTime !== undefined) status.lastUpdateTime = this.#lastUpdateTime;
    for (const name of COUNTED) {
      const stats = this.#types.get(name);
      status[name] = { ...stats };
    }
    return {
      id: this.id,
      controlPlaneInstanceId: this.#instance,
      connectTime: this.#connectTime,
      status,
      ...(this.#version ? { version: this.#version } : {}),
    };
  }
}
