import type { FastifyInstance } from "fastify";
import { MeshError } from "../../kernel/errors.ts";
import { dataplaneType } from "../../model/types/dataplane.ts";
import type { ApiDeps } from "../api-deps.ts";
import type { EventStreams } from "../event-stream.ts";
import { isWatch } from "../events-query.ts";
import { readItemFilter } from "../filters.ts";
import { listResources } from "../list-resources.ts";
import { buildOverview } from "../overview.ts";
import { badParameter, type Query } from "../pagination.ts";
import { ProxyChanges } from "../proxy-changes.ts";
import { readProxies } from "../read-proxies.ts";
import { buildRelations } from "../relations.ts";
import { sendJson, sendList } from "../reply.ts";
import { requireMesh } from "../require-mesh.ts";
import { watchOverviews } from "../watch-overviews.ts";

/** Dataplanes with their insight and presence; `dataplanes+insights` is the older path (contract, section 7.5). */
export function addOverviewRoutes(app: FastifyInstance, deps: ApiDeps, streams: EventStreams): void {
  const changes = new ProxyChanges(deps.store, deps.clock);
  for (const path of ["dataplanes/_overview", "dataplanes+insights"]) {
    addList(app, deps, `/${path}`, { streams, changes });
    addList(app, deps, `/meshes/:mesh/${path}`, { streams, changes });
  }
  addItem(app, deps, "/meshes/:mesh/dataplanes/:name/_overview");
  addItem(app, deps, "/meshes/:mesh/dataplanes+insights/:name");
}

interface Watching {
  readonly streams: EventStreams;
  readonly changes: ProxyChanges;
}

function addList(app: FastifyInstance, deps: ApiDeps, url: string, { streams, changes }: Watching): void {
  app.get(url, { config: { title: "Could not retrieve resources" } }, async (request, reply) => {
    const { mesh } = request.params as { readonly mesh?: string };
    if (mesh !== undefined) await requireMesh(deps.store, mesh);
    const query = request.query as Query;
    if (isWatch(query)) {
      if ("size" in query || "offset" in query) throw badParameter("watch", "cannot be combined with size or offset");
      const filter = readItemFilter(query);
      const stream = streams.open(reply);
      // What goes wrong from here on cannot be answered any more: the reader sees the end, and asks again.
      void watchOverviews(deps, changes, stream, { mesh, filter }).catch((error: Error) => {
        if (!stream.signal.aborted) deps.log.warn("api-failed", `a watch of overviews ended: ${error.message}`);
        stream.end();
      });
      return reply;
    }
    const page = await listResources(deps.store, dataplaneType, mesh, query);
    const items = await readProxies(deps, page.items);
    return sendList(request, reply, { ...page, items }, buildOverview);
  });
}

function addItem(app: FastifyInstance, deps: ApiDeps, url: string): void {
  app.get(url, { config: { title: "Could not retrieve a resource" } }, async (request, reply) => {
    const { mesh, name } = request.params as { readonly mesh: string; readonly name: string };
    await requireMesh(deps.store, mesh);
    const dataplane = await deps.store.get({ type: dataplaneType.name, mesh, name });
    if (!dataplane) throw new MeshError("MM404", "Not found");
    const [proxy] = await readProxies(deps, [dataplane]);
    if (!proxy) throw new MeshError("MM404", "Not found");
    const relations = buildRelations(deps.view(mesh), name, proxy.dataplane.spec);
    return sendJson(reply, 200, { ...buildOverview(proxy), ...relations });
  });
}
