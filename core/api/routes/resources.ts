import type { FastifyInstance, FastifyRequest } from "fastify";
import { MeshError } from "../../kernel/errors.ts";
import { parseKri } from "../../model/kri.ts";
import type { ResourceKey } from "../../model/resource.ts";
import { resourceToJson } from "../../model/resource-json.ts";
import type { ResourceType } from "../../model/resource-type.ts";
import type { ApiDeps } from "../api-deps.ts";
import { requireAdmin } from "../caller.ts";
import { deleteResource } from "../delete-resource.ts";
import { listResources } from "../list-resources.ts";
import { badParameter, type Query } from "../pagination.ts";
import { putResource } from "../put-resource.ts";
import { sendJson, sendList } from "../reply.ts";
import { objectBody } from "../request-body.ts";
import { requireMesh } from "../require-mesh.ts";

interface Params {
  readonly mesh?: string;
  readonly name?: string;
  readonly kri?: string;
}

/** GET, PUT and DELETE of every visible type (contract, sections 7.2 and 7.4). */
export function addResourceRoutes(app: FastifyInstance, deps: ApiDeps): void {
  for (const type of deps.types.visible) {
    for (const path of [type.path, ...type.pathAliases]) {
      addListRoute(app, deps, type, `/${path}`);
      if (type.scope === "Mesh") addListRoute(app, deps, type, `/meshes/:mesh/${path}`);
      addItemRoutes(app, deps, type, type.scope === "Mesh" ? `/meshes/:mesh/${path}/:name` : `/${path}/:name`);
    }
  }
  app.get("/_kri/:kri", { config: { title: "Could not retrieve a resource" } }, async (request, reply) => {
    const kri = parseKri((request.params as Params).kri ?? "");
    const type = deps.types.visible.find((each) => each.shortName === kri?.shortName);
    if (!kri || !type) throw new MeshError("MM400", "this is no KRI of a type that is known here");
    return sendJson(
      reply,
      200,
      await readItem(deps, type, { type: type.name, mesh: kri.mesh, name: kri.name }, request),
    );
  });
}

function addListRoute(app: FastifyInstance, deps: ApiDeps, type: ResourceType, url: string): void {
  app.get(url, { config: { title: "Could not retrieve resources" } }, async (request, reply) => {
    if (type.adminOnly) requireAdmin(deps, request, `read ${type.pluralDisplayName}`);
    const { mesh } = request.params as Params;
    if (mesh !== undefined) await requireMesh(deps.store, mesh);
    const page = await listResources(deps.store, type, mesh, request.query as Query);
    return sendList(request, reply, page, (item) => resourceToJson(type, item));
  });
}

function addItemRoutes(app: FastifyInstance, deps: ApiDeps, type: ResourceType, url: string): void {
  app.get(url, { config: { title: "Could not retrieve a resource" } }, async (request, reply) =>
    sendJson(reply, 200, await readItem(deps, type, keyOf(type, request), request)),
  );
  const readOnly = type.readOnly || deps.readOnly === true;
  app.put(url, { config: { title: "Could not process a resource" } }, async (request, reply) => {
    requireWritable(type, readOnly);
    const { created, warnings } = await putResource(deps, type, keyOf(type, request), objectBody(request.body));
    return sendJson(reply, created ? 201 : 200, warnings.length > 0 ? { warnings } : {});
  });
  app.delete(url, { config: { title: "Could not delete a resource" } }, async (request, reply) => {
    requireWritable(type, readOnly);
    const key = keyOf(type, request);
    if (type.scope === "Mesh") await requireMesh(deps.store, key.mesh);
    await deleteResource(deps.store, key);
    return sendJson(reply, 200, {});
  });
}

async function readItem(deps: ApiDeps, type: ResourceType, key: ResourceKey, request: FastifyRequest) {
  if (type.adminOnly) requireAdmin(deps, request, `read ${type.pluralDisplayName}`);
  requireUniversal(request.query as Query);
  if (type.scope === "Mesh") await requireMesh(deps.store, key.mesh);
  const resource = await deps.store.get(key);
  if (!resource) throw new MeshError("MM404", "Not found");
  return resourceToJson(type, resource);
}

function keyOf(type: ResourceType, request: FastifyRequest): ResourceKey {
  const { mesh = "", name = "" } = request.params as Params;
  return { type: type.name, mesh, name };
}

function requireWritable(type: ResourceType, readOnly: boolean): void {
  if (!readOnly) return;
  const why = type.readOnly
    ? `${type.pluralDisplayName} are written by the control plane`
    : "apiServer.readOnly is set";
  throw new MeshError("MM405", "this resource cannot be written", { why });
}

/** `?format=` can ask Kuma for the form of Kubernetes; there is none here. */
function requireUniversal(query: Query): void {
  const format = query["format"];
  if (format !== undefined && format !== "universal") throw badParameter("format", "must be universal");
}
