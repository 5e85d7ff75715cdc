import { request as httpRequest } from "node:http";
import type { TestContext } from "node:test";
import { type ApiDeps, createApiServer } from "../../../core/api/api-server.ts";
import type { DataplaneTokenRequest } from "../../../core/auth/authenticator.ts";
import { createEventLog } from "../../../core/events/event-log.ts";
import { BoundedFailureBook } from "../../../core/insight/failure-book.ts";
import { systemClock } from "../../../core/kernel/clock.ts";
import { silentLogger } from "../../../core/kernel/log.ts";
import { createRegistry } from "../../../core/model/registry.ts";
import type { ResourceStore } from "../../../core/store/resource-store.ts";
import { createMemoryStore } from "../../../plugins/store-memory/memory-store.ts";

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** The body as JSON; throws when it is none. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of many shapes
  readonly json: any;
}

export interface Send {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Buffer;
}

export interface Served {
  readonly url: string;
  readonly port: number;
  readonly store: ResourceStore;
  readonly tokenRequests: readonly DataplaneTokenRequest[];
  readonly preparedMeshes: readonly string[];
  send(path: string, send?: Send): Promise<Answer>;
  get(path: string): Promise<Answer>;
  put(path: string, body: unknown): Promise<Answer>;
  delete(path: string): Promise<Answer>;
  post(path: string, body: unknown): Promise<Answer>;
  close(): Promise<void>;
}

export const JSON_TYPE = { "content-type": "application/json" };

/** What a server needs, with nothing behind it but the store. */
export function apiDeps(store: ResourceStore): ApiDeps {
  return {
    store,
    types: createRegistry(),
    tokens: { issueDataplaneToken: async () => "header.payload.signature" },
    signingKeys: { ensureForMesh: async () => undefined },
    clock: systemClock,
    log: silentLogger,
    events: createEventLog({ log: silentLogger, clock: systemClock, instance: "cp-1-ab12" }),
    configurations: {
      freshness: () => undefined,
      applied: async () => ({ concerned: 0, acknowledged: 0, missing: [], took: 0 }),
    },
    presence: {
      outlook: ({ lastSeen }) => ({ lastSeen, offlineAt: undefined, deletedAt: undefined }),
      storeTrouble: () => undefined,
    },
    view: () => undefined,
    failures: new BoundedFailureBook(),
    insights: { withCounters: (_proxy, stored) => stored },
    identity: { hostname: "cp-1", instanceId: "cp-1-ab12", clusterId: "c-1", version: "0.1.0" },
    config: () => ({ store: { type: "memory" } }),
  };
}

/** A real server on a free port over a memory store, with the mesh `default`; gone when the test ends. */
export async function serve(test: TestContext, parts: Partial<ApiDeps> = {}): Promise<Served> {
  const store = parts.store ?? createMemoryStore();
  const tokenRequests: DataplaneTokenRequest[] = [];
  const preparedMeshes: string[] = [];
  const server = createApiServer({
    ...apiDeps(store),
    tokens: {
      issueDataplaneToken: async (request) => {
        tokenRequests.push(request);
        return "header.payload.signature";
      },
    },
    signingKeys: {
      ensureForMesh: async (mesh) => {
        preparedMeshes.push(mesh);
      },
    },
    ...parts,
  });
  const { port } = await server.listen("127.0.0.1", 0);
  test.after(() => server.close());
  await store.put({ type: "Mesh", mesh: "", name: "default", labels: {}, spec: {} });
  const send = (path: string, options: Send = {}) => sendTo(port, path, options);
  const write = (method: string) => (path: string, body: unknown) =>
    send(path, { method, headers: JSON_TYPE, body: JSON.stringify(body) });
  return {
    url: `http://localhost:${port}`,
    port,
    store,
    tokenRequests,
    preparedMeshes,
    send,
    get: (path) => send(path),
    put: write("PUT"),
    post: write("POST"),
    delete: (path) => send(path, { method: "DELETE" }),
    close: () => server.close(),
  };
}

/** With node:http, which unlike fetch sends every header it is told to. */
function sendTo(port: number, path: string, { method = "GET", headers = {}, body }: Send): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const all = { host: `localhost:${port}`, ...headers } as Record<string, string | string[]>;
    const request = httpRequest({ host: "127.0.0.1", port, path, method, headers: all, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text,
          get json() {
            return JSON.parse(text);
          },
        });
      });
    });
    request.on("error", reject);
    request.end(body);
  });
}

/** The page's redis-1, or what `parts` say instead. */
export function redis(name = "redis-1", networking: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    type: "Dataplane",
    mesh: "default",
    name,
    networking: {
      address: "192.168.0.1",
      inbound: [{ port: 9000, servicePort: 6379, tags: { "kuma.io/service": "redis" } }],
      ...networking,
    },
  };
}
