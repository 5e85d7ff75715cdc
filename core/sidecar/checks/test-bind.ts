import { createServer, type ListenOptions } from "node:net";

export type BindProblem =
  /** Somebody listens there. */
  | "in-use"
  /** The address belongs to no device of this machine. */
  | "not-here"
  /** A port below 1024 without the right to it; Envoy may have that right as a file capability. */
  | "not-allowed"
  /** Anything else, such as no IPv6 here. */
  | "failed";

/**
 * Tries to listen and closes at once. `exclusive` because a socket that shares its port (as Envoy's may) must count as
 * taken: two Envoys on one port would split its traffic silently.
 */
export function testBind(address: string, port: number): Promise<BindProblem | undefined> {
  return tryToListen({ host: address, port, exclusive: true, backlog: 1 });
}

/** Whether the socket that has the port was made to be shared (SO_REUSEPORT) and belongs to this user. */
export async function isShareable(address: string, port: number): Promise<boolean> {
  return (await tryToListen({ host: address, port, exclusive: true, backlog: 1, reusePort: true })) === undefined;
}

async function tryToListen(options: ListenOptions): Promise<BindProblem | undefined> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(options, resolve);
    });
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EADDRINUSE") return "in-use";
    if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND") return "not-here";
    return code === "EACCES" || code === "EPERM" ? "not-allowed" : "failed";
  } finally {
    await new Promise<void>((resolve) => {
      if (server.listening) server.close(() => resolve());
      else resolve();
    });
  }
}
