import { createServer } from "node:net";

/**
 * Below the ports that Linux gives to outgoing connections (32768 and up by default): nobody takes one by chance
 * between this look and its use.
 */
const LOWEST = 10_000;
const HIGHEST = 32_000;

/** Ports that were given away and may not be in use yet. */
const given = new Set<number>();

/** Ports that nothing listened on a moment ago, on any address. A process never gets the same port twice. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    ports.push(port);
  }
  return ports;
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resolve(false);
      else reject(error);
    });
    server.listen(port, () => server.close(() => resolve(true)));
  });
}
