import { ChannelCredentials, Client, type ClientDuplexStream, Metadata, type StatusObject } from "@grpc/grpc-js";
import { decodeDelta, type SeenResponse } from "../xds/fixtures.ts";
import type { ServerBench } from "./server-bench.ts";

const METHODS = {
  StreamAggregatedResources: "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources",
  DeltaAggregatedResources: "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources",
  StreamHealthCheck: "/envoy.service.health.v3.HealthDiscoveryService/StreamHealthCheck",
  StreamHealth: "/monomesh.v1.HealthService/StreamHealth",
};
const raw = (bytes: Uint8Array) => Buffer.from(bytes);

/** A gRPC client that speaks in bytes: one connection, one stream. */
export class RawClient implements Disposable {
  readonly responses: Buffer[] = [];
  readonly status: Promise<StatusObject>;
  readonly #client: Client;
  readonly #call: ClientDuplexStream<Uint8Array, Buffer>;
  #wake: () => void = () => undefined;

  constructor(
    bench: ServerBench,
    method: keyof typeof METHODS,
    token?: string,
    headers: Readonly<Record<string, string>> = {},
  ) {
    const credentials = ChannelCredentials.createSsl(Buffer.from(bench.ca.certificate));
    this.#client = new Client(`127.0.0.1:${bench.port}`, credentials, {
      "grpc.ssl_target_name_override": "localhost",
      "grpc.use_local_subchannel_pool": 1,
    });
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    if (token !== undefined) metadata.set("authorization", token);
    this.#call = this.#client.makeBidiStreamRequest<Uint8Array, Buffer>(
      METHODS[method],
      raw,
      (bytes) => bytes,
      metadata,
    );
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

  /** The response with this number, from 0. */
  async response(index: number): Promise<Buffer> {
    while (this.responses.length <= index) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.responses[index] as Buffer;
  }

  /** The same of a delta stream, decoded. */
  async delta(index: number): Promise<SeenResponse> {
    return decodeDelta(await this.response(index));
  }

  [Symbol.dispose](): void {
    this.#call.cancel();
    this.#client.close();
  }
}
