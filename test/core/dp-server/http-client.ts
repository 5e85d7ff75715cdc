import { request } from "node:https";
import type { ServerBench } from "./server-bench.ts";

// biome-ignore lint/suspicious/noExplicitAny: a document whose parts the tests pick by path
export type JsonDocument = any;

export interface Reply {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface Call {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** One HTTPS request to the DP server, verified by its CA. */
export function call(
  bench: ServerBench,
  { method = "POST", path = "/bootstrap", headers = {}, body = "" }: Call,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const options = {
      host: "127.0.0.1",
      port: bench.port,
      ca: bench.ca.certificate,
      servername: "localhost",
      method,
      path,
      headers,
      agent: false,
    };
    const req = request(options, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        resolve({
          status: response.statusCode ?? 0,
          body: Buffer.concat(chunks).toString(),
          headers: response.headers,
        });
      });
      response.on("error", reject);
    });
    req.on("error", reject);
    req.end(body);
  });
}

/** What a stock kuma-dp 2.14 sends. */
export function kumaDpRequest(over: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    mesh: "default",
    name: "redis",
    proxyType: "dataplane",
    dataplaneToken: "for:redis\n",
    dataplaneTokenPath: "/tmp/token",
    version: {
      kumaDp: { version: "2.14.3", gitTag: "", gitCommit: "", buildDate: "" },
      envoy: { version: "1.40.0", build: "x", kumaDpCompatible: true },
    },
    caCert: "",
    dynamicMetadata: { "version.dependencies.coredns": "1.9.3" },
    dnsPort: 15054,
    readinessPort: 9902,
    appProbeProxyDisabled: true,
    operatingSystem: "linux",
    features: ["feature-reuse-port", "feature-strict-inbound-ports"],
    resources: { maxHeapSizeBytes: 0 },
    workdir: "/tmp/kuma-dp-1",
    metricsResources: { certPath: "/m/cert.pem", keyPath: "/m/key.pem" },
    systemCaPath: "/etc/ssl/certs/ca-certificates.crt",
    ipv6Enabled: true,
    spireResources: { socketPath: "" },
    dataplaneResource: JSON.stringify(definition("redis")),
    somethingNew: { of: "2.15" },
    ...over,
  };
}

/** A definition with the noise that kuma-dp adds. */
export function definition(name: string, over: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    type: "Dataplane",
    mesh: "default",
    name,
    creationTime: "0001-01-01T00:00:00Z",
    modificationTime: "0001-01-01T00:00:00Z",
    kri: "kri_dp_default__",
    networking: {
      address: "192.168.0.1",
      inbound: [{ port: 9000, servicePort: 6379, tags: { "kuma.io/service": name }, newField: 1 }],
    },
    ...over,
  };
}

export const JSON_HEADERS = { accept: "application/json", "content-type": "application/json" };

export async function bootstrap(
  bench: ServerBench,
  request: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Reply> {
  return call(bench, { body: JSON.stringify(request), headers: { ...JSON_HEADERS, ...headers } });
}
