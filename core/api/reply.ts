import type { FastifyReply, FastifyRequest } from "fastify";
import type { MeshError } from "../kernel/errors.ts";
import { buildErrorBody } from "./error-body.ts";
import { listText } from "./list-text.ts";
import { nextPageUrl } from "./pagination.ts";

/** JSON as Kuma writes it, indented by one space. */
export function sendJson(reply: FastifyReply, status: number, body: unknown): FastifyReply {
  return reply
    .code(status)
    .type("application/json")
    .send(`${JSON.stringify(body, null, 1)}\n`);
}

/** One page of a list; `next` is the store's, the answer has an absolute URL. */
export async function sendList<Item>(
  request: FastifyRequest,
  reply: FastifyReply,
  page: { readonly items: readonly Item[]; readonly total: number; readonly next: string | undefined },
  toJson: (item: Item) => unknown,
): Promise<FastifyReply> {
  const next = nextPageUrl(baseUrl(request), request.url, page.next);
  const text = await listText(page.items, toJson, { total: page.total, next });
  return reply.code(200).type("application/json").send(text);
}

/** Kuma answers wrong paths, methods and media types in plain text; kuma-dp looks for exactly this one on the wrong port (contract, section 2.5). */
export function sendPlain(reply: FastifyReply, status: number, text: string): FastifyReply {
  return reply.code(status).type("text/plain").send(text);
}

export function sendError(reply: FastifyReply, error: MeshError, title: string | undefined): FastifyReply {
  if (error.code === "MM415") return sendPlain(reply, 415, "415: Unsupported Media Type");
  return sendJson(reply, error.httpStatus, buildErrorBody(error, title));
}

/** Scheme and host as the caller addressed this server. */
function baseUrl(request: FastifyRequest): string {
  return `${"encrypted" in request.raw.socket ? "https" : "http"}://${request.headers.host ?? "localhost"}`;
}
