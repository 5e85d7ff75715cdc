import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { MeshError } from "../../kernel/errors.ts";
import { parseKri } from "../../model/kri.ts";
import type { ResourceTypes } from "../../model/registry.ts";
import type { ResourceKey } from "../../model/resource.ts";
import { resourceToJson } from "../../model/resource-json.ts";
import type { ResourceType } from "../../model/resource-type.ts";
import type { RevisionRange } from "../../push/configurations.ts";
import type { ApiDeps } from "../api-deps.ts";
import { accessOf, requireAdmin } from "../caller.ts";
import { deleteResource } from "../delete-resource.ts";
import type { KnownPaths } from "../known-paths.ts";
import { listResources } from "../list-resources.ts";
import { badParameter, type Query } from "../pagination.ts";
import { putResource } from "../put-resource.ts";
import { sendJson, sendList } from "../reply.ts";
import { objectBody } from "../request-body.ts";
import { requireMesh } from "../require-mesh.ts";
import { tellChange, type UserChange } from "../tell-change.ts";
import { AFFECTED_PATHS } from "./policies.ts";

interface Params {
  readonly mesh?: string;
  readonly path?: string;
  readonly name?: string;
  readonly kri?: string;
}

/**
 * GET, PUT and DELETE of every visible type (contract, sections 7.2 and 7.4). A few routes serve all types: one set for
 * each would cost half a millisecond of start-up per route.
 */
export function addResourceRoutes(app: FastifyInstance, deps: ApiDeps, stopping: AbortSignal): void {
  for (const collection of ["/:path", "/meshes/:mesh/:path"]) {
    addListRoute(app, deps, collection);
    addItemRoutes(app, deps, `${collection}/:name`, stopping);
  }
  app.get("/_kri/:kri", { config: { title: "Could not retrieve a resource" } }, async (request, reply) => {
    const kri = parseKri((request.params as Params).kri ?? "");
    const type = deps.types.visible.find((each) => each.shortName === kri?.shortName);
    if (!kri || !type) throw new MeshError("MM400", "this is no KRI of a type that is known here");
    const key = { type: type.name, mesh: kri.mesh, name: kri.name };
    return sendJson(reply, 200, await readItem(deps, type, key, request));
  });
}

/** Paths and methods of the visible types, as `addResourceRoutes` serves them. */
export function addResourcePaths(paths: KnownPaths, types: ResourceTypes): void {
  for (const type of types.visible) {
    for (const path of [type.path, ...type.pathAliases]) {
      const inMesh = `/meshes/:mesh/${path}`;
      paths.add(`/${path}`, "GET");
      if (type.scope === "Mesh") paths.add(inMesh, "GET");
      for (const method of ["GET", "PUT", "DELETE"]) {
        paths.add(`${type.scope === "Mesh" ? inMesh : `/${path}`}/:name`, method);
      }
      if (type.policy) for (const part of AFFECTED_PATHS) paths.add(`${inMesh}/:name/${part}`, "GET");
    }
  }
}

/** The type that a path means; undefined when there is none, or none of this scope. */
function typeOf(deps: ApiDeps, request: FastifyRequest): ResourceType | undefined {
  const { path = "", mesh, name } = request.params as Params;
  const type = deps.types.byPath(path);
  // The only path without a mesh that a type of a mesh has is the list over all meshes.
  const fits = type?.scope === "Mesh" ? mesh !== undefined || name === undefined : mesh === undefined;
  return fits ? type : undefined;
}

function routeOptions(deps: ApiDeps, title: string) {
  return {
    config: { title },
    onRequest: async (request: FastifyRequest, reply: FastifyReply) =>
      typeOf(deps, request) ? undefined : reply.callNotFound(),
  };
}

function requireType(deps: ApiDeps, request: FastifyRequest): ResourceType {
  const type = typeOf(deps, request);
  if (!type) throw new MeshError("MM404", "there is no such type of resource");
  return type;
}

function addListRoute(app: FastifyInstance, deps: ApiDeps, url: string): void {
  app.get(url, routeOptions(deps, "Could not retrieve resources"), async (request, reply) => {
    const type = requireType(deps, request);
    if (type.adminOnly) requireAdmin(deps, request, `read ${type.pluralDisplayName}`);
    const { mesh } = request.params as Params;
    if (mesh !== undefined) await requireMesh(deps.store, mesh);
    const page = await listResources(deps.store, type, mesh, request.query as Query);
    return sendList(request, reply, page, (item) => resourceToJson(type, item));
  });
}

function addItemRoutes(app: FastifyInstance, deps: ApiDeps, url: string, stopping: AbortSignal): void {
  const tell = (request: FastifyRequest, kind: UserChange["kind"], key: ResourceKey, revisions: RevisionRange) => {
    const { user } = accessOf(deps, request);
    tellChange(deps, { kind, key, revisions, user: user.name, from: request.ip }, stopping);
  };
  app.get(url, routeOptions(deps, "Could not retrieve a resource"), async (request, reply) => {
    const type = requireType(deps, request);
    return sendJson(reply, 200, await readItem(deps, type, keyOf(type, request), request));
  });
  app.put(url, routeOptions(deps, "Could not process a resource"), async (request, reply) => {
    const type = requireType(deps, request);
    requireWritable(deps, type);
    const key = keyOf(type, request);
    const { created, revision, warnings } = await putResource(deps, type, key, objectBody(request.body));
    tell(request, created ? "created" : "updated", key, { from: revision, to: revision });
    return sendJson(reply, created ? 201 : 200, warnings.length > 0 ? { warnings } : {});
  });
  app.delete(url, routeOptions(deps, "Could not delete a resource"), async (request, reply) => {
    const type = requireType(deps, request);
    requireWritable(deps, type);
    const key = keyOf(type, request);
    if (type.scope === "Mesh") await requireMesh(deps.store, key.mesh);
    tell(request, "deleted", key, await deleteResource(deps.store, key));
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

function requireWritable(deps: ApiDeps, type: ResourceType): void {
  if (!type.readOnly && !deps.readOnly) return;
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
