import { request } from "node:https";
import type { Trust } from "../trust/open-trust.ts";

export interface Answer {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface PostOptions {
  /** Milliseconds until the whole answer must be there. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** The token, bare, as on gRPC. */
  readonly credential?: string | undefined;
}

/** Larger answers are not the control plane's. */
const MAX_BODY = 32 * 1024 * 1024;

/**
 * One `POST` of JSON to the control plane's DP server, over a connection of its own. Rejects with the connection's error,
 * with `ETIMEDOUT` as its code when there was no whole answer in `timeoutMs`, and with the signal's reason.
 */
export function postJson(trust: Trust, path: string, body: unknown, options: PostOptions): Promise<Answer> {
  const { timeoutMs, signal } = options;
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const text = Buffer.from(JSON.stringify(body));
  const { host, port } = trust.address;
  const call = request({
    ...trust.tlsOptions,
    // A stock control plane compares the name here with its certificate (contract, section 3.2).
    host,
    port,
    path,
    method: "POST",
    headers: {
      accept: "application/json",
      "content-type": "application/json",
      "content-length": text.length,
      ...(options.credential === undefined ? {} : { authorization: options.credential }),
    },
    agent: false,
    signal,
  });
  const timer = setTimeout(() => call.destroy(timeoutError(timeoutMs)), timeoutMs);
  call.once("error", reject);
  call.once("close", () => {
    clearTimeout(timer);
    reject(new Error("the connection was closed before the answer was complete"));
  });
  call.once("response", (response) => {
    const chunks: Buffer[] = [];
    let size = 0;
    response.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_BODY) call.destroy(new Error(`the answer is larger than ${MAX_BODY} bytes`));
      else chunks.push(chunk);
    });
    response.once("error", reject);
    response.once("end", () => {
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        body: Buffer.concat(chunks).toString("utf8"),
      });
    });
  });
  call.end(text);
  return promise;
}

function timeoutError(timeoutMs: number): Error {
  return Object.assign(new Error(`no answer in ${timeoutMs} ms`), { code: "ETIMEDOUT" });
}
