import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Scope } from "../kernel/scope.ts";

export interface Readiness {
  readonly status: number;
  /** `LIVE`, `DRAINING`, `NOT_READY`, `TERMINATING`. */
  readonly state: string;
  /** A second line of the answer. */
  readonly note?: string | undefined;
}

export interface ReadinessServer {
  readonly port: number;
  /** `http://127.0.0.1:9902/ready` */
  readonly url: string;
  /** The wanted port was taken, so another was chosen. */
  readonly moved: boolean;
}

/**
 * `GET /ready` for probes of the machine (contract, section 2.7), on loopback. If the port is taken, as by another sidecar
 * of this machine, a free one is chosen.
 */
export async function openReadinessServer(
  scope: Scope,
  host: "127.0.0.1" | "::1",
  wantedPort: number,
  state: () => Promise<Readiness>,
): Promise<ReadinessServer> {
  const server = createServer((request, response) => {
    const path = request.url?.split("?")[0];
    if (path !== "/ready" || (request.method !== "GET" && request.method !== "HEAD")) {
      response.writeHead(path === "/ready" ? 405 : 404, { "content-type": "text/plain" }).end();
      return;
    }
    void state().then(({ status, state: text, note }) => {
      response
        .writeHead(status, { "content-type": "text/plain", "cache-control": "no-cache, max-age=0" })
        .end(note ? `${text}\n${note}\n` : `${text}\n`);
    });
  });
  scope.defer(async () => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
  const moved = !(await listens(server, host, wantedPort));
  if (moved) await listens(server, host, 0);
  const { port } = server.address() as AddressInfo;
  return { port, moved, url: `http://${host === "::1" ? "[::1]" : host}:${port}/ready` };
}

/** False when the port is taken; rejects for any other reason. */
function listens(server: Server, host: string, port: number): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  const onError = (error: NodeJS.ErrnoException) => (error.code === "EADDRINUSE" ? resolve(false) : reject(error));
  server.once("error", onError);
  server.listen({ host, port, exclusive: true }, () => {
    server.off("error", onError);
    resolve(true);
  });
  return promise;
}
