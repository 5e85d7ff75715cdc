import { createServer, type Server } from "node:net";

/**
 * Below the ports that Linux gives to outgoing connections (32768 and up by default): nobody takes one by chance
 * between this look and its use.
 */
const LOWEST = 10_000;
const HIGHEST = 32_000;

/** Ports that nothing listened on a moment ago, on any address; all held open together so that they differ. */
export async function freePorts(count: number): Promise<number[]> {
  const servers: Server[] = [];
  while (servers.length < count) {
    const server = await tryPort(LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST)));
    if (server) servers.push(server);
  }
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function tryPort(port: number): Promise<Server | undefined> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resolve(undefined);
      else reject(error);
    });
    server.listen(port, () => resolve(server));
  });
}
