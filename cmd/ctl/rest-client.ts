import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { text } from "node:stream/consumers";
import { MeshError, type Violation } from "../../core/kernel/errors.ts";
import type { ControlPlaneCoordinates } from "./contexts.ts";
import { createEventReader, type ServerEvent } from "./event-reader.ts";

export interface RestAnswer {
  readonly status: number;
  /** Parsed JSON, or the text where the body is none. */
  readonly body: unknown;
}

/** Talks to a control plane's REST server (contract, section 7). */
export interface RestClient {
  readonly url: string;
  get(path: string): Promise<RestAnswer>;
  put(path: string, body: unknown): Promise<RestAnswer>;
  post(path: string, body: unknown): Promise<RestAnswer>;
  delete(path: string): Promise<RestAnswer>;
  /**
   * Reads an answer that does not end (server-sent events); resolves when the other side ended it, or the signal aborted.
   * Rejects with MM120 when the control plane cannot be reached or goes silent, and with the error of its answer.
   */
  watch(path: string, onEvent: (event: ServerEvent) => void, signal: AbortSignal): Promise<void>;
}

export interface RestClientOptions {
  /** Milliseconds until a request is given up. Default 60 s, as kumactl's --api-timeout. */
  readonly timeoutMs: number;
}

export function createRestClient(controlPlane: ControlPlaneCoordinates, options: RestClientOptions): RestClient {
  const call = (method: string, path: string, body?: unknown) => send(controlPlane, options, method, path, body);
  return {
    url: controlPlane.url,
    get: (path) => call("GET", path),
    put: (path, body) => call("PUT", path, body),
    post: (path, body) => call("POST", path, body),
    delete: (path) => call("DELETE", path),
    watch: (path, onEvent, signal) => watch(controlPlane, path, onEvent, signal),
  };
}

/** A stream says at least that it lives every 15 s; milliseconds. */
const LONGEST_SILENCE = 45_000;

async function watch(
  controlPlane: ControlPlaneCoordinates,
  path: string,
  onEvent: (event: ServerEvent) => void,
  signal: AbortSignal,
): Promise<void> {
  const { url, response } = await open(controlPlane, LONGEST_SILENCE, "GET", path, undefined, signal);
  const isStream = String(response.headers["content-type"]).startsWith("text/event-stream");
  if (response.statusCode !== 200 || !isStream) {
    const answer = { status: response.statusCode ?? 0, body: parseBody(await text(response)) };
    expectOk(answer, "could not watch");
    throw new MeshError("MM121", `${url.origin} cannot be watched: it is no monomesh, or an older one`);
  }
  const reader = createEventReader(onEvent);
  try {
    for await (const part of response.setEncoding("utf8")) reader(part as string);
  } catch (cause) {
    if (!signal.aborted) throw unreachable(url, cause as Error);
  }
}

async function send(
  controlPlane: ControlPlaneCoordinates,
  { timeoutMs }: RestClientOptions,
  method: string,
  path: string,
  body: unknown,
): Promise<RestAnswer> {
  const { url, response } = await open(controlPlane, timeoutMs, method, path, body);
  try {
    return { status: response.statusCode ?? 0, body: parseBody(await text(response)) };
  } catch (cause) {
    throw unreachable(url, cause as Error);
  }
}

/** Sends a request; resolves when the head of the answer is there. */
function open(
  controlPlane: ControlPlaneCoordinates,
  timeoutMs: number,
  method: string,
  path: string,
  body: unknown,
  signal?: AbortSignal,
): Promise<{ readonly url: URL; readonly response: IncomingMessage }> {
  const url = new URL(controlPlane.url.replace(/\/$/, "") + path);
  const payload = body === undefined ? undefined : JSON.stringify(body);
  const { promise, resolve, reject } = Promise.withResolvers<{ url: URL; response: IncomingMessage }>();
  const request = (url.protocol === "https:" ? httpsRequest : httpRequest)(url, {
    method,
    timeout: timeoutMs,
    ...(signal ? { signal } : {}),
    headers: {
      accept: "application/json",
      ...(payload === undefined
        ? {}
        : { "content-type": "application/json", "content-length": Buffer.byteLength(payload) }),
      ...controlPlane.headers,
    },
    ...(controlPlane.caPem ? { ca: controlPlane.caPem } : {}),
    ...(controlPlane.skipVerify ? { rejectUnauthorized: false } : {}),
  });
  request.on("timeout", () => request.destroy(new Error(`no answer in ${timeoutMs / 1000} s`)));
  request.on("error", (cause) => reject(unreachable(url, cause)));
  request.on("response", (response) => resolve({ url, response }));
  request.end(payload);
  return promise;
}

function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function unreachable(url: URL, cause: Error): MeshError {
  const code = (cause as NodeJS.ErrnoException).code;
  return new MeshError("MM120", `no control plane answers at ${url.origin}`, {
    why: code === "ECONNREFUSED" ? "Nothing listens there." : cause.message,
    todo: "Start one: monomesh cp run. Another address: monomesh config control-planes add --name NAME --address URL",
    cause,
  });
}

/** Passes a good answer on; turns an error body (contract, section 7.3) into a MeshError. `what` begins the message: "could not delete …". */
export function expectOk(answer: RestAnswer, what: string): unknown {
  if (answer.status >= 200 && answer.status < 300) return answer.body;
  const body = (typeof answer.body === "object" && answer.body !== null ? answer.body : {}) as {
    title?: string;
    detail?: string;
    invalid_parameters?: { field: string; reason: string }[];
  };
  const violations: Violation[] = (body.invalid_parameters ?? []).map(({ field, reason }) => ({
    field,
    message: reason,
  }));
  const why = body.title
    ? [body.title, body.detail].filter(Boolean).join(": ")
    : `(${answer.status}): ${String(answer.body).trim()}`;
  throw new MeshError(CODE_OF_STATUS[answer.status] ?? "MM400", what, { why, violations });
}

/** The same for a path that only monomesh serves. */
export function expectOurs(answer: RestAnswer, what: string): unknown {
  if (answer.status === 404 && typeof answer.body === "string") {
    throw new MeshError("MM121", what, {
      why: "This control plane does not tell that: it is no monomesh, or an older one.",
    });
  }
  return expectOk(answer, what);
}

const CODE_OF_STATUS: Readonly<Record<number, "MM301" | "MM302" | "MM404" | "MM405" | "MM409" | "MM503">> = {
  401: "MM301",
  403: "MM302",
  404: "MM404",
  405: "MM405",
  409: "MM409",
  503: "MM503",
};
