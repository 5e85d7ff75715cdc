import { once } from "node:events";
import { Agent, createServer, get } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

export interface Backend extends Disposable {
  readonly port: number;
}

/** An HTTP server that answers with its name; with TLS when it gets an identity. */
export async function startBackend(name: string, identity?: { cert: string; key: string }): Promise<Backend> {
  const server = identity ? createTlsServer(identity) : createServer();
  server.on("request", (_request, response) => response.end(name));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { port: (server.address() as AddressInfo).port, [Symbol.dispose]: close };
}

/** A port that nobody has at the moment. */
export async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** Body of the answer, or `status N`, or the error's code. */
export function ask(port: number, agent?: Agent): Promise<string> {
  return new Promise((resolve) => {
    const request = get({ host: "127.0.0.1", port, agent: agent ?? false }, async (response) => {
      let body = "";
      for await (const chunk of response) body += chunk;
      resolve(response.statusCode === 200 ? body : `status ${response.statusCode}`);
    });
    request.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

/** Asks until the answer is the one that is waited for; fails after 20 s with the last one. */
export async function askUntil(port: number, wanted: string): Promise<void> {
  let last = "";
  for (const until = Date.now() + 20_000; Date.now() < until; ) {
    last = await ask(port);
    if (last === wanted) return;
    await sleep(5);
  }
  throw new Error(`port ${port} answers "${last}", not "${wanted}"`);
}

export interface Load extends AsyncDisposable {
  /** Ends it and tells how many requests there were and which answers were not good. */
  stop(): Promise<{ readonly total: number; readonly bad: readonly string[] }>;
}

/** Requests one after the other over two kept connections until it is stopped. */
export function startLoad(port: number, good: RegExp): Load {
  const agents = [new Agent({ keepAlive: true }), new Agent({ keepAlive: true })];
  const bad: string[] = [];
  let total = 0;
  let running = true;
  const loops = agents.map(async (agent) => {
    while (running) {
      const answer = await ask(port, agent);
      total++;
      if (!good.test(answer)) bad.push(answer);
    }
    agent.destroy();
  });
  const stop = async () => {
    running = false;
    await Promise.all(loops);
    return { total, bad };
  };
  return {
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop();
    },
  };
}
