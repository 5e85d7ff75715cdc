import { XDS_TYPES, type XdsType } from "../envoy/encoded-resource.ts";
import type { DiscoveryServiceStats, DiscoverySubscription } from "../model/types/dataplane-insight.ts";
import type { StreamNode } from "../xds/stream-events.ts";
import type { Rejection } from "./config-status.ts";
import type { Refusal } from "./insight-tracker.ts";
import { versionOf } from "./version.ts";

type Counter = keyof DiscoveryServiceStats;
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Kuma's name of each type; secrets are counted in the total only (contract, section 4.5). */
export const SHORT_NAME = {
  cluster: "cds",
  endpoint: "eds",
  secret: "sds",
  listener: "lds",
  route: "rds",
} as const satisfies Readonly<Record<XdsType, string>>;
const COUNTED = ["cluster", "endpoint", "listener", "route"] as const;
const COUNTERS: readonly Counter[] = ["responsesSent", "responsesAcknowledged", "responsesRejected"];

/** What one stream has to say; the counters change in place, the document is built when it is written. */
export class Subscription {
  readonly id: string;
  readonly #instance: string;
  readonly #connectTime: number;
  readonly #version: DiscoverySubscription["version"];
  /** By counter, then by type; secrets included. */
  readonly #counts: Readonly<Record<Counter, Record<XdsType, number>>> = {
    responsesSent: zeros(),
    responsesAcknowledged: zeros(),
    responsesRejected: zeros(),
  };
  readonly #rejections = new Map<string, Rejection>();
  /** 0: never. */
  #lastUpdateTime = 0;

  constructor(id: string, instance: string, node: StreamNode, now: number) {
    this.id = id;
    this.#instance = instance;
    this.#connectTime = now;
    this.#version = versionOf(node.metadata);
  }

  count(type: XdsType, counter: Counter, now: number): void {
    this.#counts[counter][type]++;
    this.#lastUpdateTime = now;
    if (this.#rejections.size > 0 && counter === "responsesAcknowledged") this.#acceptedAgain(SHORT_NAME[type], now);
  }

  #acceptedAgain(name: string, now: number): void {
    const rejection = this.#rejections.get(name);
    if (rejection && rejection.acceptedTime === undefined) {
      this.#rejections.set(name, { ...rejection, acceptedTime: now });
    }
  }

  reject(type: XdsType, refusal: Refusal, now: number): void {
    this.count(type, "responsesRejected", now);
    const name = SHORT_NAME[type];
    this.#rejections.delete(name);
    this.#rejections.set(name, { type: name, ...refusal, time: now });
  }

  get rejections(): readonly Rejection[] {
    return [...this.#rejections.values()];
  }

  build(): DiscoverySubscription {
    const status: Mutable<NonNullable<DiscoverySubscription["status"]>> = { total: this.#stats(XDS_TYPES) };
    if (this.#lastUpdateTime > 0) status.lastUpdateTime = this.#lastUpdateTime;
    for (const type of COUNTED) status[SHORT_NAME[type]] = this.#stats([type]);
    return {
      id: this.id,
      controlPlaneInstanceId: this.#instance,
      connectTime: this.#connectTime,
      status,
      ...(this.#version ? { version: this.#version } : {}),
    };
  }

  /** The sums over these types; what is zero is absent. */
  #stats(types: readonly XdsType[]): DiscoveryServiceStats {
    const stats: Mutable<DiscoveryServiceStats> = {};
    for (const counter of COUNTERS) {
      const sum = types.reduce((total, type) => total + this.#counts[counter][type], 0);
      if (sum > 0) stats[counter] = sum;
    }
    return stats;
  }
}

function zeros(): Record<XdsType, number> {
  return { cluster: 0, endpoint: 0, secret: 0, listener: 0, route: 0 };
}
