import { request } from "node:http";

export interface LoadReport {
  readonly requests: number;
  readonly failed: number;
  /** Why requests failed, with how often. */
  readonly reasons: ReadonlyMap<string, number>;
  /** Answers by body: the demo's services answer with their instance's name. */
  readonly answers: ReadonlyMap<string, number>;
}

/** Requests at a steady rate until it is stopped. */
export interface Load {
  /**
   * Resolves once a request was answered with this body; milliseconds since the call. Rejects after `timeoutMs`, or when the
   * load's signal is aborted.
   */
  firstAnswer(body: string, timeoutMs: number): Promise<number>;
  stop(): Promise<LoadReport>;
}

/**
 * Starts `perSecond` GET requests a second, each on a new connection: the case in which a gap shows. An aborted `signal`
 * ends it as `stop` does.
 */
export function startLoad(port: number, perSecond: number, signal?: AbortSignal): Load {
  const reasons = new Map<string, number>();
  const answers = new Map<string, number>();
  const listeners = new Set<(body: string) => void>();
  const pending = new Set<Promise<void>>();
  let requests = 0;
  let failed = 0;
  const count = (map: Map<string, number>, key: string) => map.set(key, (map.get(key) ?? 0) + 1);
  const one = async () => {
    requests++;
    try {
      const { status, body } = await get(port, "/");
      if (status !== 200) throw new Error(`HTTP ${status}`);
      count(answers, body);
      for (const listener of [...listeners]) listener(body);
    } catch (error) {
      failed++;
      count(reasons, (error as NodeJS.ErrnoException).code ?? (error as Error).message);
    }
  };
  const timer = setInterval(() => {
    const run = one().finally(() => pending.delete(run));
    pending.add(run);
  }, 1000 / perSecond);
  const end = () => clearInterval(timer);
  signal?.addEventListener("abort", end, { once: true });
  return {
    firstAnswer(body, timeoutMs) {
      const started = performance.now();
      const { promise, resolve, reject } = Promise.withResolvers<number>();
      const timer = setTimeout(() => reject(new Error(`no answer of ${body} in ${timeoutMs} ms`)), timeoutMs);
      const onAbort = () => reject(signal?.reason);
      const listener = (got: string) => {
        if (got === body) resolve(performance.now() - started);
      };
      listeners.add(listener);
      signal?.addEventListener("abort", onAbort, { once: true });
      return promise.finally(() => {
        clearTimeout(timer);
        listeners.delete(listener);
        signal?.removeEventListener("abort", onAbort);
      });
    },
    async stop() {
      end();
      signal?.removeEventListener("abort", end);
      await Promise.all([...pending]);
      return { requests, failed, reasons, answers };
    },
  };
}

/** One GET on a connection of its own; rejects after 3 s. */
export function get(port: number, path: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: "127.0.0.1", port, path, agent: false, timeout: 3000 }, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString() }));
    });
    outgoing.on("timeout", () => outgoing.destroy(new Error("no answer in 3 s")));
    outgoing.on("error", reject);
    outgoing.end();
  });
}
