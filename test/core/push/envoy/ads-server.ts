import type { XdsType } from "../../../../core/envoy/encoded-resource.ts";
import { systemClock } from "../../../../core/kernel/clock.ts";
import type { PushEngine } from "../../../../core/push/push-engine.ts";
import type { SnapshotSubscription } from "../../../../core/push/snapshot.ts";
import { adsMethods } from "../../../../core/xds/ads-methods.ts";
import { createChannelFactory } from "../../../../core/xds/channels.ts";
import { GrpcListener } from "../../../support/grpc-listener.ts";

/** ADS over an engine, without TLS, tokens and presence: the node's id alone says who it is. */
export class AdsServer implements Disposable {
  readonly nacks: string[] = [];
  #listener: GrpcListener | undefined;

  static async open(engine: PushEngine): Promise<{ server: AdsServer; port: number }> {
    const server = new AdsServer();
    const methods = server.#methods(engine);
    server.#listener = await GrpcListener.open({ methods, clock: systemClock, maxMessageBytes: 4 * 1024 * 1024 });
    return { server, port: server.#listener.port };
  }

  #methods(engine: PushEngine) {
    return adsMethods({
      clock: systemClock,
      channels: createChannelFactory("cp-1"),
      events: {
        openAds: async ({ node }) => {
          const [mesh = "", name = ""] = node.id.split(".");
          let subscription: SnapshotSubscription | undefined;
          return {
            subscribe: (onSnapshot) => {
              subscription = engine.subscribe({ mesh, name }, onSnapshot);
              return subscription;
            },
            onSent: () => undefined,
            onAck: () => undefined,
            onNack: (type: XdsType, message: string) => this.nacks.push(`${type}: ${message}`),
            onSynced: (type: XdsType, revision: number) => subscription?.acknowledged(type, revision),
            onClose: () => undefined,
          };
        },
      },
    });
  }

  [Symbol.dispose](): void {
    this.#listener?.[Symbol.dispose]();
  }
}
