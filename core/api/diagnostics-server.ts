import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { listenError } from "../kernel/listen-error.ts";
import type { Logger } from "../kernel/log.ts";

/** What prom-client's Registry offers; it is loaded by whoever gives it, when the first scrape comes. */
export interface MetricsRegistry {
  readonly contentType: string;
  metrics(): Promise<string>;
}

export interface DiagnosticsDeps {
  readonly log: Logger;
  /** Undefined when the control plane can serve, else one plain sentence why it cannot yet. */
  notReady(): string | undefined;
  metrics(): Promise<MetricsRegistry>;
}

/** `/ready`, `/healthy` and `/metrics` (contract, section 1.1). On plain node:http, so that it answers before anything else is loaded. */
export interface DiagnosticsServer extends AsyncDisposable {
  /** Starts to serve; `port` 0 chooses a free one. Rejects with MM202 or MM201. */
  listen(host: string, port: number): Promise<{ readonly port: number }>;
  close(): Promise<void>;
}

export function createDiagnosticsServer(deps: DiagnosticsDeps): DiagnosticsServer {
  const server = createServer({ requestTimeout: 5000, headersTimeout: 5000 }, (request, response) => {
    answer(deps, request, response).catch((error: unknown) => {
      deps.log.error("diagnostics-failed", `${request.url} failed: ${error instanceof Error ? error.message : error}`);
      if (!response.headersSent) send(response, 500, "Internal Server Error\n");
      else response.destroy();
    });
  });
  const close = async () => {
    if (!server.listening) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    server.close(() => resolve());
    server.closeAllConnections();
    await promise;
  };
  return {
    async listen(host, port) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      server.once("error", reject);
      server.listen(port, host, () => resolve());
      try {
        await promise;
      } catch (error) {
        throw listenError(error, host, port, "diagnostics.serverPort");
      }
      server.off("error", reject);
      return { port: (server.address() as AddressInfo).port };
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function answer(deps: DiagnosticsDeps, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = request.url?.split("?", 1)[0];
  if (path !== "/ready" && path !== "/healthy" && path !== "/metrics")
    return send(response, 404, "404: Page Not Found\n");
  if (request.method !== "GET" && request.method !== "HEAD") return send(response, 405, "405: Method Not Allowed\n");
  if (path === "/healthy") return send(response, 200, "healthy\n");
  if (path === "/ready") {
    const reason = deps.notReady();
    return send(response, reason === undefined ? 200 : 503, `${reason ?? "ready"}\n`);
  }
  const registry = await deps.metrics();
  send(response, 200, await registry.metrics(), registry.contentType);
}

function send(response: ServerResponse, status: number, body: string, contentType = "text/plain; charset=utf-8"): void {
  response.writeHead(status, { "content-type": contentType, "content-length": Buffer.byteLength(body) });
  // Node leaves the body of an answer to HEAD away by itself.
  response.end(body);
}
