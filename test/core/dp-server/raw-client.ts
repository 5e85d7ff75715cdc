import { ChannelCredentials, Client, type ClientDuplexStream, Metadata, type StatusObject } from "@grpc/grpc-js";
import { decodeDelta, type SeenResponse } from "../xds/fixtures.ts";
import type { ServerBench } from "./server-bench.ts";

const ADS = "/envoy.service.discovery.v3.AggregatedDiscoveryService/";
const raw = (bytes: Uint8Array) => Buffer.from(bytes);

/** A gRPC client that speaks ADS in bytes: one connection, one stream. */
export class RawClient implements Disposable {
  readonly responses: Buffer[] = [];
  readonly status: Promise<StatusObject>;
  readonly #client: Client;
  readonly #call: ClientDuplexStream<Uint8Array, Buffer>;
  #wake: () => void = () => undefined;

  constructor(bench: ServerBench, method: "StreamAggregatedResources" | "DeltaAggregatedResources", token?: string) {
    const credentials = ChannelCredentials.createSsl(Buffer.from(bench.ca.certificate));
    this.#client = new Client(`127.0.0.1:${bench.port}`, credentials, {
      "grpc.ssl_target_name_override": "localhost",
      "grpc.use_local_subchannel_pool": 1,
    });
    const metadata = new Metadata();
    if (token !== undefined) metadata.set("authorization", token);
    this.#call = this.#client.makeBidiStreamRequest<Uint8Array, Buffer>(ADS + method, raw, (bytes) => bytes, metadata);
    this.#call.on("data", (bytes: Buffer) => {
      this.responses.push(bytes);
      this.#wake();
    });
    this.#call.on("error", () => undefined);
    this.status = new Promise((resolve) => this.#call.on("status", resolve));
  }

  send(bytes: Uint8Array): void {
    this.#call.write(bytes);
  }

  /** Stops reading; HTTP/2 flow control then stops the server. */
  pause(): void {
    this.#call.pause();
  }

  half(): void {
    this.#call.end();
  }

  /** The response with this number, from 0, of a delta stream. */
  async delta(index: number): Promise<SeenResponse> {
    while (this.responses.length <= index) await new Promise<void>((resolve) => (this.#wake = resolve));
    return decodeDelta(this.responses[index] as Buffer);
  }

  [Symbol.dispose](): void {
    this.#call.cancel();
    this.#client.close();
  }
}
