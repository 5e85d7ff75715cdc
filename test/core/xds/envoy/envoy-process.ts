import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

const BINARY = process.env["ENVOY_BINARY"] ?? join(import.meta.dirname, "../../../../.build/envoy/envoy");

/** A real Envoy with its own directory; its admin interface is the socket `admin.sock` there. */
export class EnvoyProcess implements AsyncDisposable {
  readonly directory: string;
  readonly #child: ChildProcess;

  private constructor(directory: string, child: ChildProcess) {
    this.directory = directory;
    this.#child = child;
  }

  /** `bootstrap` is told the directory, where the admin socket must be; `flags` are added to the command line. */
  static async start(
    bootstrap: (directory: string) => unknown | Promise<unknown>,
    flags: readonly string[] = [],
  ): Promise<EnvoyProcess> {
    const directory = await mkdtemp(join(tmpdir(), "envoy-"));
    const file = join(directory, "bootstrap.json");
    await writeFile(file, JSON.stringify(await bootstrap(directory)));
    const options = ["--concurrency", "1", "--disable-hot-restart", "--log-level", "warning"];
    const child = spawn(BINARY, ["--config-path", file, ...options, ...flags], { stdio: ["ignore", "ignore", "pipe"] });
    child.stderr?.pipe(createWriteStream(join(directory, "log")));
    await once(child, "spawn");
    return new EnvoyProcess(directory, child);
  }

  /** An answer of the admin interface. */
  admin(path: string): Promise<string> {
    return this.#ask("GET", path);
  }

  /** Changes something by the admin interface. */
  post(path: string): Promise<string> {
    return this.#ask("POST", path);
  }

  #ask(method: string, path: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const socketPath = join(this.directory, this.#adminSocket);
      const req = request({ socketPath, method, path, agent: false }, async (response) => {
        let text = "";
        for await (const chunk of response) text += chunk;
        resolve(text);
      });
      req.on("error", reject);
      req.end();
    });
  }

  /** File name of the admin socket; kuma's by the bootstrap of the control plane. */
  #adminSocket = "admin.sock";
  useAdminSocket(name: string): this {
    this.#adminSocket = name;
    return this;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  get exited(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  async log(): Promise<string> {
    return readFile(join(this.directory, "log"), "utf8").catch(() => "");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.exited) {
      this.#child.kill("SIGKILL");
      await once(this.#child, "exit");
    }
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** Bootstrap for an Envoy that talks to an ADS server without TLS. */
export function plainBootstrap(variant: "sotw" | "delta", adsPort: number, directory: string): unknown {
  const source = { ads: {}, resourceApiVersion: "V3", initialFetchTimeout: "0s" };
  return {
    node: { id: "default.web-1", cluster: "web" },
    admin: { address: { pipe: { path: join(directory, "admin.sock") } } },
    dynamicResources: {
      adsConfig: {
        apiType: variant === "delta" ? "DELTA_GRPC" : "GRPC",
        transportApiVersion: "V3",
        setNodeOnFirstMessageOnly: true,
        grpcServices: [{ envoyGrpc: { clusterName: "ads_cluster" } }],
      },
      cdsConfig: source,
      ldsConfig: source,
    },
    staticResources: {
      clusters: [
        {
          name: "ads_cluster",
          connectTimeout: "1s",
          typedExtensionProtocolOptions: {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
              "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
              explicitHttpConfig: { http2ProtocolOptions: {} },
            },
          },
          loadAssignment: {
            clusterName: "ads_cluster",
            endpoints: [
              {
                lbEndpoints: [
                  { endpoint: { address: { socketAddress: { address: "127.0.0.1", portValue: adsPort } } } },
                ],
              },
            ],
          },
        },
      ],
    },
  };
}
