import { once } from "node:events";
import { createServer } from "node:http";
import http2 from "node:http2";
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from "node:net";

/** An application on a port of 127.0.0.1, or at another address. */
export class Application implements AsyncDisposable {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;

  private constructor(server: Server, port: number, sockets: Set<Socket>) {
    this.#server = server;
    this.port = port;
    this.#sockets = sockets;
  }

  static async listen(server: Server, address = "127.0.0.1", port = 0): Promise<Application> {
    const sockets = new Set<Socket>();
    server.on("connection", (socket: Socket) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
      // A proxy that is killed resets its connections.
      socket.on("error", () => undefined);
    });
    server.listen(port, address);
    await once(server, "listening");
    return new Application(server, (server.address() as AddressInfo).port, sockets);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** What an HTTP application saw of a request. */
export interface Seen {
  readonly httpVersion: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Which application answered. */
  readonly by: string;
}

/** Answers with what it saw, says `server: app` and echoes whatever follows an upgrade. */
export function http1Application(by: string): Server {
  const server = createServer((request, response) => {
    const seen: Seen = { httpVersion: request.httpVersion, headers: request.headers, by };
    response.setHeader("server", "app");
    response.end(JSON.stringify(seen));
  });
  server.on("upgrade", (request, socket) => {
    const upgrade = request.headers.upgrade;
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: ${upgrade}\r\n\r\n`);
    socket.on("error", () => undefined);
    socket.pipe(socket);
  });
  return server;
}

/** The same in HTTP/2 without TLS, and nothing else; without upgrades. */
export function http2Application(by: string): Server {
  const server = http2.createServer((request, response) => {
    const seen: Seen = { httpVersion: request.httpVersion, headers: request.headers, by };
    response.end(JSON.stringify(seen));
  });
  server.on("sessionError", () => undefined);
  return server;
}

export function echoApplication(): Server {
  return createTcpServer((socket) => socket.pipe(socket));
}
