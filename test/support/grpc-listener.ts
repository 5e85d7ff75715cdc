import { type AddressInfo, createServer, type Socket } from "node:net";
import { GrpcServer, type GrpcServerOptions } from "../../core/grpc/grpc-server.ts";

/** A gRPC server of ours on a port of its own, without TLS. */
export class GrpcListener implements Disposable {
  readonly port: number;
  readonly #close: () => void;

  /** `port`: 0 chooses a free one. */
  static async open(options: GrpcServerOptions, port = 0): Promise<GrpcListener> {
    const grpc = new GrpcServer(options);
    const sockets = new Set<Socket>();
    const server = createServer({ noDelay: true }, (socket) => {
      sockets.add(socket);
      socket.on("error", () => undefined).once("close", () => sockets.delete(socket));
      grpc.accept(socket);
    });
    await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve));
    return new GrpcListener((server.address() as AddressInfo).port, () => {
      server.close();
      grpc.close();
      for (const socket of sockets) socket.destroy();
    });
  }

  private constructor(port: number, close: () => void) {
    this.port = port;
    this.#close = close;
  }

  [Symbol.dispose](): void {
    this.#close();
  }
}
