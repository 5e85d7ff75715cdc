import type { XdsType } from "../../../../core/envoy/encoded-resource.ts";
import { systemClock } from "../../../../core/kernel/clock.ts";
import type { PushEngine } from "../../../../core/push/push-engine.ts";
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
        openAds: async ({ id, node }) => {
          const [mesh = "", name = ""] = node.id.split(".");
          const proxy = { mesh, name };
          return {
            subscribe: (onSnapshot) => engine.subscribe(proxy, onSnapshot),
            onSent: () => undefined,
            onAck: () => undefined,
            onNack: (type: XdsType, message: string) => this.nacks.push(`${type}: ${message}`),
            onSynced: (type: XdsType, revision: number) => engine.acknowledged(proxy, id, type, revision),
            onClose: () => engine.closed(proxy, id),
          };
        },
      },
    });
  }

  [Symbol.dispose](): void {
    this.#listener?.[Symbol.dispose]();
  }
}
