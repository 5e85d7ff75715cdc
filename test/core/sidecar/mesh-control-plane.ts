import type { IncomingMessage, ServerResponse } from "node:http";
import {
  createSecureServer,
  type Http2SecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { Cluster_DiscoveryType, ClusterSchema } from "#envoy/config/cluster/v3/cluster_pb.js";
import { ListenerSchema } from "#envoy/config/listener/v3/listener_pb.js";
import { TcpProxySchema } from "#envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js";
import { DiscoveryRequestSchema, DiscoveryResponseSchema } from "#envoy/service/discovery/v3/discovery_pb.js";
import { createMessageSplitter } from "../../../core/grpc/framing.ts";
import { HEALTH_HEADER, HEALTH_METHOD, type SidecarHealth } from "../../../core/model/dataplane/sidecar-health.ts";
import { TEST_CERT, TEST_KEY } from "./tls-control-plane.ts";

export interface RecordedPost {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: Record<string, unknown>;
}

/** What the test control plane knows of an inbound: a TCP listener to a port of the machine. */
export interface TestInbound {
  readonly address: string;
  readonly port: number;
  readonly servicePort: number;
}

/**
 * A control plane as small as a sidecar's whole life needs: bootstrap, state-of-the-world ADS with TCP listeners, leave.
 * It lets everybody in; what it refuses, a test says.
 */
export class MeshControlPlane implements AsyncDisposable {
  readonly posts: RecordedPost[] = [];
  /** ADS streams that were opened, with their credential. */
  readonly streams: {
    readonly authorization: string | undefined;
    readonly incarnation: string;
    readonly health: string;
  }[] = [];
  /** What came on health streams, and the newest of these. */
  readonly health: SidecarHealth[] = [];
  healthStream: ServerHttp2Stream | undefined;
  inbounds: readonly TestInbound[] = [];
  /** Stands in for the answer to a POST; undefined: the usual one. */
  onPost: (post: RecordedPost) => { readonly status: number; readonly body: string } | undefined = () => undefined;
  /** gRPC status and message with which a stream ends at once; undefined: it is served. */
  refusal: { readonly message: string; readonly code?: string } | undefined;
  reusePort = true;
  /** The field `monomesh` of the answer to `/bootstrap`. */
  extra: Record<string, unknown> = {};
  port = 0;
  #server: Http2SecureServer | undefined;
  readonly #sockets = new Set<Socket>();
  readonly #waiting: { readonly good: () => boolean; readonly resolve: () => void }[] = [];

  get address(): string {
    return `https://127.0.0.1:${this.port}`;
  }

  async listen(): Promise<void> {
    const server = createSecureServer({ key: TEST_KEY, cert: TEST_CERT, allowHTTP1: true });
    this.#server = server;
    server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
    server.on("session", (session) => session.on("error", () => undefined));
    server.on("stream", (stream, headers) => {
      if (headers[":path"] === HEALTH_METHOD) this.#serveHealth(stream);
      else this.#serveStream(stream, headers);
    });
    server.on("request", (request, response) => {
      if (request.httpVersionMajor === 1) this.#answer(request as never, response as never);
    });
    await new Promise<void>((resolve) => server.listen(this.port, "127.0.0.1", resolve));
    this.port = (server.address() as AddressInfo).port;
  }

  /** As a killed process. */
  async kill(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  /** Resolves when so many streams were opened since the beginning. */
  opened(count: number): Promise<void> {
    return this.#until(() => this.streams.length >= count);
  }

  /** Resolves when a POST to this path came. */
  posted(path: string): Promise<void> {
    return this.#until(() => this.posts.some((post) => post.path === path));
  }

  #until(good: () => boolean): Promise<void> {
    if (good()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ good, resolve }));
  }

  #changed(): void {
    for (const each of this.#waiting) if (each.good()) each.resolve();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    let text = "";
    request.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
    request.on("end", () => {
      const post = {
        path: request.url ?? "",
        authorization: request.headers.authorization,
        body: JSON.parse(text) as Record<string, unknown>,
      };
      this.posts.push(post);
      const answer = this.onPost(post) ?? { status: 200, body: this.#usualAnswer(post) };
      response.writeHead(answer.status, { "content-type": "application/json" }).end(answer.body);
      this.#changed();
    });
  }

  #usualAnswer({ path, body }: RecordedPost): string {
    if (path === "/leave") return JSON.stringify({ consumers: 2, missing: [], tookMs: 1 });
    if (path === "/left") return JSON.stringify({ consumers: 0, missing: [], tookMs: 0 });
    const service = {
      envoyGrpc: { clusterName: "ads_cluster" },
      initialMetadata: [{ key: "authorization", value: body["dataplaneToken"] }],
    };
    const ads = { ads: {}, resourceApiVersion: "V3", initialFetchTimeout: "0s" };
    const bootstrap = {
      node: {
        id: `${body["mesh"]}.${body["name"]}`,
        cluster: "test",
        metadata: { "monomesh.incarnation": `incarnation-${this.posts.length}` },
      },
      admin: { address: { pipe: { path: `${body["workdir"]}/kuma-envoy-admin.sock`, mode: 0o600 } } },
      dynamicResources: {
        adsConfig: {
          apiType: "GRPC",
          transportApiVersion: "V3",
          setNodeOnFirstMessageOnly: true,
          grpcServices: [service],
        },
        ldsConfig: ads,
        cdsConfig: ads,
      },
      staticResources: { clusters: [{ name: "ads_cluster" }] },
    };
    return JSON.stringify({
      bootstrap: Buffer.from(JSON.stringify(bootstrap)).toString("base64"),
      kumaSidecarConfiguration: {},
      monomesh: this.extra,
    });
  }

  #serveHealth(stream: ServerHttp2Stream): void {
    stream.on("error", () => undefined);
    stream.respond({ ":status": 200, "content-type": "application/grpc" });
    this.healthStream = stream;
    const messages = createMessageSplitter((message) =>
      this.health.push(JSON.parse(message.toString()) as SidecarHealth),
    );
    stream.on("data", (chunk: Buffer) => {
      messages.push(chunk);
      this.#changed();
    });
  }

  #serveStream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    const authorization = String(headers["authorization"] ?? "");
    stream.on("error", () => undefined);
    if (this.refusal) {
      const { message, code } = this.refusal;
      stream.respond(
        {
          ":status": 200,
          "content-type": "application/grpc",
          "grpc-status": "2",
          "grpc-message": message,
          ...(code ? { "monomesh-code": code } : {}),
        },
        { endStream: true },
      );
      return;
    }
    stream.respond({ ":status": 200, "content-type": "application/grpc" });
    let buffered = Buffer.alloc(0);
    let first = true;
    const answered = new Set<string>();
    stream.on("data", (chunk: Buffer) => {
      buffered = Buffer.concat([buffered, chunk]);
      while (buffered.length >= 5 && buffered.length >= 5 + buffered.readUInt32BE(1)) {
        const size = buffered.readUInt32BE(1);
        const request = fromBinary(DiscoveryRequestSchema, buffered.subarray(5, 5 + size));
        buffered = buffered.subarray(5 + size);
        if (first) {
          first = false;
          const incarnation = String(
            (request.node?.metadata as Record<string, unknown> | undefined)?.["monomesh.incarnation"] ?? "",
          );
          this.streams.push({
            authorization: authorization || undefined,
            incarnation,
            health: String(headers[HEALTH_HEADER] ?? ""),
          });
          this.#changed();
        }
        if (answered.has(request.typeUrl)) continue;
        answered.add(request.typeUrl);
        stream.write(frame(this.#resources(request.typeUrl)));
      }
    });
  }

  #resources(typeUrl: string): Uint8Array {
    const resources = typeUrl.endsWith("Listener")
      ? this.inbounds.map((each) =>
          anyPack(ListenerSchema, create(ListenerSchema, inboundListener(each, this.reusePort))),
        )
      : typeUrl.endsWith("Cluster")
        ? this.inbounds.map((each) => anyPack(ClusterSchema, create(ClusterSchema, localCluster(each))))
        : [];
    return toBinary(
      DiscoveryResponseSchema,
      create(DiscoveryResponseSchema, { versionInfo: "1", nonce: "1", typeUrl, resources }),
    );
  }
}

function frame(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

function inboundListener(
  { address, port, servicePort }: TestInbound,
  reusePort: boolean,
): MessageInitShape<typeof ListenerSchema> {
  const proxy = create(TcpProxySchema, {
    statPrefix: `localhost_${servicePort}`,
    clusterSpecifier: { case: "cluster", value: `localhost:${servicePort}` },
  });
  return {
    name: `inbound:${address}:${port}`,
    enableReusePort: reusePort,
    address: socketAddress(address, port),
    filterChains: [
      {
        filters: [
          {
            name: "envoy.filters.network.tcp_proxy",
            configType: { case: "typedConfig", value: anyPack(TcpProxySchema, proxy) },
          },
        ],
      },
    ],
  };
}

function localCluster({ servicePort }: TestInbound): MessageInitShape<typeof ClusterSchema> {
  return {
    name: `localhost:${servicePort}`,
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.STATIC },
    connectTimeout: { seconds: 5n },
    loadAssignment: {
      clusterName: `localhost:${servicePort}`,
      endpoints: [
        {
          lbEndpoints: [
            { hostIdentifier: { case: "endpoint", value: { address: socketAddress("127.0.0.1", servicePort) } } },
          ],
        },
      ],
    },
  };
}

function socketAddress(address: string, port: number) {
  return {
    address: {
      case: "socketAddress" as const,
      value: { address, portSpecifier: { case: "portValue" as const, value: port } },
    },
  };
}
