import { spawn, spawnSync } from "node:child_process";
import { createServer as createHttpServer } from "node:http";
import { connect, createServer as createTcpServer } from "node:net";
import type { Scope } from "../../core/kernel/scope.ts";

/** An HTTP service whose answer is its instance's name. `onRequest` is told of each request when it arrives. */
export async function startHttpApp(
  scope: Scope,
  name: string,
  port: number,
  onRequest: () => void = () => undefined,
): Promise<void> {
  const server = createHttpServer((_request, response) => {
    onRequest();
    response.end(name);
  });
  await new Promise<void>((resolve, reject) => {
    server.on("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  scope.defer(() => {
    server.closeAllConnections();
    server.close();
  });
}

/** The TCP service of the demo: Redis where it is installed, else an echo that knows PING. */
export async function startTcpApp(scope: Scope, port: number): Promise<{ readonly label: string }> {
  if (spawnSync("redis-server", ["--version"], { stdio: "ignore" }).status === 0) {
    const redis = spawn(
      "redis-server",
      ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
      { stdio: "ignore" },
    );
    scope.defer(() => void redis.kill("SIGKILL"));
    return { label: "Redis" };
  }
  const server = createTcpServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.on("data", (data) => socket.write(data.toString().startsWith("PING") ? "+PONG\r\n" : data));
  });
  await new Promise<void>((resolve, reject) => {
    server.on("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  scope.defer(() => void server.close());
  return { label: "TCP echo (no redis-server here)" };
}

/** Says PING as a Redis client does; resolves with the answer's first line. Rejects after `timeoutMs`. */
export function ping(port: number, timeoutMs = 3000): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write("PING\r\n"));
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`no answer in ${timeoutMs} ms`)));
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("connection closed without an answer")));
    socket.on("data", (data) => {
      resolve(data.toString().replace(/^\+/, "").trim());
      socket.destroy();
    });
  });
}
