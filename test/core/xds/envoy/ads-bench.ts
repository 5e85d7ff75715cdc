import { setTimeout as sleep } from "node:timers/promises";
import type { EncodedResource, XdsType } from "../../../../core/envoy/encoded-resource.ts";
import { systemClock } from "../../../../core/kernel/clock.ts";
import type { Snapshot } from "../../../../core/push/snapshot.ts";
import { adsMethods } from "../../../../core/xds/ads-methods.ts";
import type { Channel, Outgoing } from "../../../../core/xds/channel.ts";
import { createChannelFactory } from "../../../../core/xds/channels.ts";
import type { Variant } from "../../../../core/xds/discovery-response.ts";
import type { AdsSession, StreamInfo } from "../../../../core/xds/stream-events.ts";
import { GrpcListener } from "../../../support/grpc-listener.ts";
import { wholeMessage } from "../fixtures.ts";
import { snapshotOf } from "./resources.ts";

/** An ADS server without TLS and without the rest of a control plane: every proxy gets the same snapshot. */
export class AdsBench implements Disposable {
  readonly variant: Variant;
  readonly streams: StreamInfo[] = [];
  /** `cluster[a b]`: what each response brought that was new to the proxy. */
  readonly sent: string[] = [];
  bytes = 0;
  /** `ack cluster`, `nack listener: why`. */
  readonly answers: string[] = [];
  readonly synced = new Map<XdsType, number>();
  port = 0;
  #snapshot: Snapshot | undefined;
  #revision = 0;
  readonly #subscribers = new Set<(snapshot: Snapshot) => void>();
  #listener: GrpcListener | undefined;
  readonly #waiters: (() => void)[] = [];

  constructor(variant: Variant) {
    this.variant = variant;
  }

  static async open(variant: Variant, resources: readonly EncodedResource[]): Promise<AdsBench> {
    const bench = new AdsBench(variant);
    bench.push(resources);
    await bench.listen();
    return bench;
  }

  /** Listens, at the same port as before if there was one. */
  async listen(): Promise<void> {
    const channels = createChannelFactory("cp-1");
    const methods = adsMethods({
      clock: systemClock,
      channels: (variant) => {
        const set = channels(variant);
        for (const channel of Object.values(set.of)) this.#record(channel as Channel<never>);
        return set;
      },
      events: {
        openAds: async (stream) => {
          this.streams.push(stream);
          return this.#session();
        },
      },
    });
    const options = { methods, clock: systemClock, maxMessageBytes: 4 * 1024 * 1024 };
    this.#listener = await GrpcListener.open(options, this.port);
    this.port = this.#listener.port;
  }

  /** Ends all connections and the server with them. */
  close(): void {
    this.#listener?.[Symbol.dispose]();
  }

  push(resources: readonly EncodedResource[]): void {
    this.#snapshot = snapshotOf(++this.#revision, resources, this.#snapshot);
    for (const onSnapshot of this.#subscribers) onSnapshot(this.#snapshot);
  }

  /** Resolves when the proxy holds the newest snapshot's resources of this type; rejects after 20 s. */
  async reached(type: XdsType): Promise<void> {
    const revision = this.#revision;
    const signal = AbortSignal.timeout(20_000);
    while ((this.synced.get(type) ?? 0) < revision) {
      const news = Promise.withResolvers<void>();
      this.#waiters.push(news.resolve);
      signal.addEventListener("abort", () => news.reject(new Error(`${type} was not acknowledged`)), { once: true });
      await news.promise;
    }
  }

  async answered(text: string): Promise<void> {
    for (let i = 0; i < 1000; i++) {
      if (this.answers.some((each) => each.startsWith(text))) return;
      await sleep(10);
    }
    throw new Error(`"${text}" is not among the answers ${this.answers.join(", ")}`);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #record(channel: Channel<never>): void {
    const next = channel.next.bind(channel);
    channel.next = (target) => {
      const outgoing: Outgoing | undefined = next(target);
      if (outgoing) {
        this.bytes += wholeMessage(outgoing.message).byteLength;
        this.sent.push(`${channel.type}[${outgoing.fresh.map(({ name }) => name).join(" ")}]`);
      }
      return outgoing;
    };
  }

  #session(): AdsSession {
    const wake = () => {
      for (const resolve of this.#waiters.splice(0)) resolve();
    };
    return {
      subscribe: (onSnapshot) => {
        this.#subscribers.add(onSnapshot);
        if (this.#snapshot) onSnapshot(this.#snapshot);
        return { [Symbol.dispose]: () => void this.#subscribers.delete(onSnapshot) };
      },
      onSent: () => undefined,
      onAck: (type) => void this.answers.push(`ack ${type}`),
      onNack: (type, message) => void this.answers.push(`nack ${type}: ${message}`),
      onSynced: (type, revision) => {
        this.synced.set(type, revision);
        wake();
      },
      onClose: () => undefined,
    };
  }
}
