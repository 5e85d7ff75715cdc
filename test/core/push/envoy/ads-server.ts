import { Server, ServerCredentials } from "@grpc/grpc-js";
import type { XdsType } from "../../../../core/envoy/encoded-resource.ts";
import { systemClock } from "../../../../core/kernel/clock.ts";
import type { PushEngine } from "../../../../core/push/push-engine.ts";
import { createChannelFactory } from "../../../../core/xds/channels.ts";
import { addAdsService } from "../../../../core/xds/grpc-ads-service.ts";

/** ADS over an engine, without TLS, tokens and presence: the node's id alone says who it is. */
export class AdsServer implements Disposable {
  readonly nacks: string[] = [];
  readonly #server = new Server();

  static async open(engine: PushEngine): Promise<{ server: AdsServer; port: number }> {
    const server = new AdsServer(engine);
    const port = await new Promise<number>((resolve, reject) => {
      server.#server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
    return { server, port };
  }

  private constructor(engine: PushEngine) {
    addAdsService(this.#server, {
      clock: systemClock,
      channels: createChannelFactory("cp-1"),
      breakConnection: () => undefined,
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
    this.#server.forceShutdown();
  }
}
