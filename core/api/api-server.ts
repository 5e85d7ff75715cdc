import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import fastify, {
  type FastifyError,
  type FastifyHttpOptions,
  type FastifyInstance,
  type FastifyRequest,
} from "fastify";
import { MeshError, toMeshError } from "../kernel/errors.ts";
import { listenError } from "../kernel/listen-error.ts";
import type { ApiDeps } from "./api-deps.ts";
import { requireAdmin } from "./caller.ts";
import { EventStreams } from "./event-stream.ts";
import { createKnownPaths } from "./known-paths.ts";
import { sendError, sendPlain } from "./reply.ts";
import { BODY_LIMIT, parseJsonBody } from "./request-body.ts";
import { addEventRoutes } from "./routes/events.ts";
import { addFailureRoutes } from "./routes/failures.ts";
import { addInformationRoutes } from "./routes/information.ts";
import { addOverviewRoutes } from "./routes/overviews.ts";
import { addPolicyRoutes } from "./routes/policies.ts";
import { addResourcePaths, addResourceRoutes } from "./routes/resources.ts";
import { addStatusRoutes } from "./routes/status.ts";
import { addTokenRoutes } from "./routes/tokens.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Title of the error body when the route fails. */
    readonly title?: string;
  }
}

/** The REST API (contract, section 7). */
export interface ApiServer extends AsyncDisposable {
  /** Starts to serve; `port` 0 chooses a free one. Rejects with MM202 or MM201 when it cannot. */
  listen(host: string, port: number): Promise<{ readonly port: number }>;
  /** Stops to accept, lets requests end for 2 s at most. */
  close(): Promise<void>;
}

/** Kuma's limits (contract, section 1.4, `apiServer.*Timeout`), with a header timeout that a slow shell also meets. Milliseconds. */
const REQUEST_TIMEOUT = 10_000;
const HEADERS_TIMEOUT = 5000;
const KEEP_ALIVE_TIMEOUT = 120_000;
const CLOSE_TIMEOUT = 2000;
/** Of a name in a path; valid names have 253 characters at most. */
const MAX_PARAM_LENGTH = 1024;

const WRITING = new Set(["PUT", "POST", "DELETE", "PATCH"]);

export function createApiServer(deps: ApiDeps): ApiServer {
  const stopping = new AbortController();
  const streams = new EventStreams(deps.clock);
  const app = createApp(deps, streams, stopping.signal);
  let closing: Promise<void> | undefined;
  const close = () => {
    stopping.abort();
    streams.close();
    closing ??= closeApp(app, deps);
    return closing;
  };
  return {
    async listen(host, port) {
      try {
        await app.listen({ host, port });
      } catch (error) {
        throw listenError(error, host, port, "apiServer.http.port");
      }
      return { port: (app.server.address() as AddressInfo).port };
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function closeApp(app: FastifyInstance, deps: ApiDeps): Promise<void> {
  using _force = deps.clock.after(CLOSE_TIMEOUT, () => app.server.closeAllConnections());
  await app.close();
}

function createApp(deps: ApiDeps, streams: EventStreams, stopping: AbortSignal): FastifyInstance {
  const options: FastifyHttpOptions<Server> = {
    logger: false,
    exposeHeadRoutes: false,
    bodyLimit: BODY_LIMIT,
    requestTimeout: REQUEST_TIMEOUT,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT,
    http: { headersTimeout: HEADERS_TIMEOUT },
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH, ignoreTrailingSlash: true },
    frameworkErrors: (error, _request, reply) => {
      sendError(reply, meshErrorOf(error), undefined);
    },
    // No route has a schema; without these two fastify loads ajv and fast-json-stringify all the same (25 ms).
    schemaController: {
      compilersFactory: { buildValidator: neverUsed, buildSerializer: neverUsed },
    },
  };
  const app = fastify(options);
  addBodyParser(app);
  addHooks(app, deps);
  addErrorAnswers(app, deps);
  addInformationRoutes(app, deps);
  addResourceRoutes(app, deps, stopping);
  addOverviewRoutes(app, deps, streams);
  addPolicyRoutes(app, deps);
  addTokenRoutes(app, deps);
  addFailureRoutes(app, deps);
  addEventRoutes(app, deps, streams);
  addStatusRoutes(app, deps);
  return app;
}

/** Stands where fastify wants a compiler of schemas; the type asks for ajv's own. */
const neverUsed = (() => {
  throw new Error("no route has a schema");
}) as never;

function addBodyParser(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "string" }, async (_request: FastifyRequest, body: string) =>
    parseJsonBody(body),
  );
}

function addHooks(app: FastifyInstance, deps: ApiDeps): void {
  app.addHook("onRequest", async (request, reply) => {
    reply.header("x-content-type-options", "nosniff");
    // Before the body is read: a stranger's megabyte is not worth the memory.
    if (!request.is404 && WRITING.has(request.method)) requireAdmin(deps, request, "write");
  });
  app.addHook("preValidation", async (request) => {
    if (request.is404 || (request.method !== "PUT" && request.method !== "POST")) return;
    // A request without body and type gets past the body parser.
    if (request.headers["content-type"] === undefined) throw new MeshError("MM415", "content-type is missing");
  });
}

function addErrorAnswers(app: FastifyInstance, deps: ApiDeps): void {
  const paths = createKnownPaths();
  addResourcePaths(paths, deps.types);
  app.addHook("onRoute", ({ url, method }) => {
    if (url.includes("/:path")) return;
    for (const each of [method].flat()) paths.add(url, each);
  });
  app.setNotFoundHandler((request, reply) => {
    const methods = paths.methodsOf(pathOf(request.url));
    if (methods.length === 0) return sendPlain(reply, 404, "404: Page Not Found");
    return sendPlain(reply.header("allow", methods.join(", ")), 405, "405: Method Not Allowed");
  });
  app.setErrorHandler((thrown: FastifyError, request, reply) => {
    const error = meshErrorOf(thrown);
    if (error.kind === "system") logFailure(deps, request, error);
    return sendError(reply, error, request.routeOptions.config.title);
  });
}

/** Fastify's own refusals as ours; anything else that is no MeshError is a defect. */
function meshErrorOf(thrown: FastifyError | Error): MeshError {
  const { code, statusCode } = thrown as FastifyError;
  if (thrown instanceof MeshError || !code?.startsWith("FST_")) return toMeshError(thrown);
  switch (statusCode) {
    case 413:
      return new MeshError("MM413", `a body has ${BODY_LIMIT} bytes at most`);
    case 415:
      return new MeshError("MM415", thrown.message);
    case 414:
      return new MeshError("MM400", `a part of the path is longer than ${MAX_PARAM_LENGTH} characters`);
    case 400:
      return new MeshError("MM400", code === "FST_ERR_BAD_URL" ? "the path is not a valid URL" : thrown.message);
    default:
      return toMeshError(thrown);
  }
}

function logFailure(deps: ApiDeps, request: FastifyRequest, error: MeshError): void {
  deps.log.error("api-failed", `${request.method} ${pathOf(request.url)} failed: ${error.message}`, {
    code: error.code,
    why: error.why,
    stack: error.cause instanceof Error ? error.cause.stack : undefined,
  });
}

function pathOf(url: string): string {
  return url.split("?", 1)[0] ?? "";
}

export type { ApiDeps } from "./api-deps.ts";
