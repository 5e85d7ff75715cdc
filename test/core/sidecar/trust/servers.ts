import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer as createNetServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { signJws } from "../../../../core/auth/jws.ts";
import type { TlsIdentity } from "../../../../core/ca/control-plane-ca.ts";
import { foreignKey } from "../../auth/token-fixtures.ts";

/** A listening server and what it received after the handshake. */
export interface TestServer extends AsyncDisposable {
  readonly port: number;
  readonly received: Buffer[];
}

/** A TLS server that counts completed handshakes; `use` gives it another identity, as a restart would. */
export async function serveTls(identity: TlsIdentity) {
  const received: Buffer[] = [];
  let handshakes = 0;
  const server = createTlsServer({ cert: identity.chain, key: identity.key }, (socket) => {
    handshakes++;
    socket.on("data", (data: Buffer) => received.push(data));
    socket.on("error", () => undefined);
  });
  server.on("tlsClientError", () => undefined);
  const use = ({ chain, key }: TlsIdentity) => server.setSecureContext({ cert: chain, key });
  return { ...(await listen(server, received)), use, handshakes: () => handshakes };
}

/** The REST API as far as `GET /` goes, or any other HTTP server. */
export async function serveHttp(body: string): Promise<TestServer> {
  const server = createHttpServer((_request, response) => {
    response.setHeader("content-type", "application/json");
    response.end(body);
  });
  return listen(server, []);
}

/** Accepts connections; `onSocket` decides what comes of them. */
export async function serveRaw(onSocket: (socket: Socket) => void): Promise<TestServer> {
  const server = createNetServer((socket) => {
    socket.on("error", () => undefined);
    onSocket(socket);
  });
  return listen(server, []);
}

async function listen(server: Server, received: Buffer[]): Promise<TestServer> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    received,
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

const key = foreignKey();

/** A token with these digests; who signed it does not matter to a sidecar. */
export function tokenWith(cpCa: readonly string[] | undefined): string {
  return signJws({ Name: "redis-1", Mesh: "default", ...(cpCa && { cpCa }) }, "1", key);
}
