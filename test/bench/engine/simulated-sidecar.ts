import { request } from "node:https";
import { parse } from "yaml";
import type { XdsType } from "../../../core/envoy/encoded-resource.ts";
import type { Variant } from "../../../core/xds/discovery-response.ts";
import { GrpcStream } from "./grpc-stream.ts";
import {
  type Acknowledged,
  edsNameOf,
  encodeNames,
  encodeNode,
  encodeRequest,
  type NodeJson,
  nameOf,
  type Response,
  readResponse,
} from "./messages.ts";

/** The change that every consumer is waited for with. */
export interface Watch {
  readonly kind: "added" | "removed" | "clusters";
  readonly service: string;
  /** Of the endpoint that comes or goes. */
  readonly address: string;
}

export interface SidecarOptions {
  readonly host: string;
  readonly port: number;
  readonly variant: Variant;
  readonly token: string;
  readonly definition: { readonly name: string; readonly mesh: string };
  /** `encodeExtensions`; the same for all. */
  readonly extensions: Buffer;
  readonly onReady: () => void;
  /** What it waited for has arrived. */
  readonly onArrived: () => void;
  readonly onEnd: (reason: string) => void;
}

const ADS = "/envoy.service.discovery.v3.AggregatedDiscoveryService/";
const METHOD = { sotw: "StreamAggregatedResources", delta: "DeltaAggregatedResources" } as const;
const FEATURES = ["feature-tcp-accesslog-via-named-pipe", "feature-strict-inbound-ports", "feature-reuse-port"];

/**
 * What a stock kuma-dp and its Envoy do towards the control plane: `/bootstrap` on a connection of its own, then one ADS
 * stream that asks for clusters, their endpoints and, once those are there, listeners; everything is acknowledged.
 */
export class SimulatedSidecar {
  readonly #options: SidecarOptions;
  readonly #eds = new Set<string>();
  readonly #missing = new Set<string>();
  #edsNames: Buffer = Buffer.alloc(0);
  #lastEds: Acknowledged | undefined;
  #stream: GrpcStream | undefined;
  #hasListeners = false;
  #ready = false;
  #watch: Watch | undefined;
  #watched: Buffer = Buffer.alloc(0);
  #watchedService: Buffer = Buffer.alloc(0);
  #clustersSeen = 0;

  constructor(options: SidecarOptions) {
    this.#options = options;
  }

  /** Resolves when the stream is open; rejects when the bootstrap is refused. */
  async join(): Promise<void> {
    const { host, port, variant, token, extensions, onEnd } = this.#options;
    const node = await this.#bootstrap();
    this.#stream = new GrpcStream({
      host,
      port,
      path: ADS + METHOD[variant],
      authorization: token,
      onMessage: (message) => this.#onMessage(message),
      onEnd,
    });
    this.#stream.send(encodeRequest(variant, "cluster", { node: encodeNode(node, extensions) }));
  }

  /** Calls `onArrived` once, when what the watch describes has come. */
  watch(watch: Watch): void {
    this.#watch = watch;
    this.#watched = Buffer.from(watch.address);
    this.#watchedService = Buffer.from(watch.service);
    this.#clustersSeen = 0;
  }

  ping(): void {
    this.#stream?.ping();
  }

  destroy(): void {
    this.#watch = undefined;
    this.#stream?.destroy();
  }

  #onMessage(message: Buffer): void {
    const response = readResponse(this.#options.variant, message);
    switch (response.type) {
      case "cluster":
        this.#onClusters(response);
        break;
      case "endpoint":
        this.#onEndpoints(response, message);
        break;
      case "listener":
        this.#acknowledge("listener", response);
        this.#hasListeners ||= response.resources.length > 0;
        break;
      default:
        if (response.type) this.#acknowledge(response.type, response);
    }
    if (!this.#ready && this.#hasListeners && this.#missing.size === 0) {
      this.#ready = true;
      this.#options.onReady();
    }
  }

  #onClusters(response: Response): void {
    const { variant } = this.#options;
    this.#acknowledge("cluster", response);
    const names = response.resources.map(edsNameOf).filter((name) => name !== undefined);
    const fresh = names.filter((name) => !this.#eds.has(name));
    if (variant === "sotw") this.#eds.clear();
    for (const name of names) this.#eds.add(name);
    for (const name of fresh) this.#missing.add(name);
    // With state of the world Envoy repeats its request when clusters warm anew; with delta it asks for new names only.
    if (variant === "sotw") {
      this.#edsNames = encodeNames(this.#eds);
      this.#send("endpoint", this.#edsNames, this.#lastEds);
    } else if (fresh.length > 0) this.#send("endpoint", encodeNames(fresh));
    this.#clustersSeen += names.length;
    if (this.#watch?.kind === "clusters" && this.#clustersSeen >= this.#eds.size) this.#arrived();
  }

  #onEndpoints(response: Response, message: Buffer): void {
    this.#lastEds = { nonce: response.nonce, version: response.version };
    this.#acknowledge("endpoint", response, this.#options.variant === "sotw" ? this.#edsNames : undefined);
    const watch = this.#watch;
    if (watch?.kind === "added" && message.includes(this.#watched)) this.#arrived();
    else if (watch?.kind === "removed" && message.includes(this.#watchedService) && !message.includes(this.#watched)) {
      this.#arrived();
    }
    if (this.#ready) return;
    for (const resource of response.resources) this.#missing.delete(nameOf(resource));
    if (this.#missing.size === 0 && !this.#hasListeners) this.#send("listener");
  }

  #arrived(): void {
    this.#watch = undefined;
    this.#options.onArrived();
  }

  #acknowledge(type: XdsType, response: Response, names?: Buffer): void {
    this.#send(type, names, response);
  }

  #send(type: XdsType, names?: Buffer, response?: Acknowledged): void {
    this.#stream?.send(encodeRequest(this.#options.variant, type, { names, response }));
  }

  async #bootstrap(): Promise<NodeJson> {
    const { host, port, token, definition, variant } = this.#options;
    const body = JSON.stringify({
      mesh: definition.mesh,
      name: definition.name,
      proxyType: "dataplane",
      dataplaneToken: token,
      dataplaneResource: JSON.stringify(definition),
      version: {
        kumaDp: { version: "2.14.3", gitTag: "", gitCommit: "", buildDate: "" },
        envoy: { version: "1.40.0", build: "simulated/1.40.0/Clean/RELEASE/BoringSSL", kumaDpCompatible: true },
      },
      caCert: "",
      operatingSystem: "linux",
      features: variant === "delta" ? [...FEATURES, "feature-delta-grpc"] : FEATURES,
      workdir: "/tmp/simulated",
    });
    const answer = await post(host, port, body);
    const { bootstrap } = JSON.parse(answer) as { bootstrap: string };
    const text = Buffer.from(bootstrap, "base64").toString();
    const { node } = (text.startsWith("{") ? JSON.parse(text) : parse(text)) as { node: NodeJson };
    return node;
  }
}

function post(host: string, port: number, body: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const headers = {
    host: `localhost:${port}`,
    accept: "application/json",
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
  };
  const call = request(
    { host, port, path: "/bootstrap", method: "POST", headers, agent: false, rejectUnauthorized: false },
    (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        if (response.statusCode === 200) resolve(text);
        else reject(new Error(`/bootstrap answered ${response.statusCode}: ${text.slice(0, 300)}`));
      });
    },
  );
  call.on("error", reject);
  call.end(body);
  return promise;
}
