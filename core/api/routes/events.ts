import type { FastifyInstance } from "fastify";
import type { MeshEvent } from "../../events/event.ts";
import { buildEventJson } from "../../events/event-json.ts";
import { fits } from "../../events/event-log.ts";
import type { ApiDeps } from "../api-deps.ts";
import type { EventStreams } from "../event-stream.ts";
import { isWatch, readEventQuery } from "../events-query.ts";
import type { Query } from "../pagination.ts";
import { sendJson } from "../reply.ts";

/** `GET /_events`: what happened at this control plane (ours; docs/rest.md). With `watch` the answer goes on with what happens next. */
export function addEventRoutes(app: FastifyInstance, deps: ApiDeps, streams: EventStreams): void {
  const { events, clock, identity } = deps;
  app.get("/_events", { config: { title: "Could not retrieve events" } }, async (request, reply) => {
    const parameters = request.query as Query;
    const query = readEventQuery(parameters, clock.now());
    if (!isWatch(parameters)) {
      const items = events.list(query).map(buildEventJson);
      return sendJson(reply, 200, { instance: identity.instanceId, total: items.length, items });
    }
    const stream = streams.open(reply);
    // One that does not keep up is ended, and asks again after the last event it had.
    const send = (event: MeshEvent) => {
      if (!stream.send("event", buildEventJson(event), event.id)) stream.end();
    };
    for (const event of events.list(query)) send(event);
    stream.send("now", { instance: identity.instanceId });
    const watching = events.watch((event) => {
      if (fits(event, query)) send(event);
    });
    stream.signal.addEventListener("abort", () => watching[Symbol.dispose](), { once: true });
    return reply;
  });
}
