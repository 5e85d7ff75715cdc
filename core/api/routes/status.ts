import type { FastifyInstance } from "fastify";
import { buildEventJson } from "../../events/event-json.ts";
import { configStatus } from "../../insight/config-status.ts";
import { findProblems, type Problem, type ProxyFacts } from "../../insight/problems.ts";
import { proxyStatus } from "../../insight/status.ts";
import { toMeshError } from "../../kernel/errors.ts";
import { servicesOf } from "../../model/dataplane/access.ts";
import { timeText } from "../../model/resource-json.ts";
import { dataplaneType } from "../../model/types/dataplane.ts";
import { MESH } from "../../model/types/mesh.ts";
import type { ApiDeps } from "../api-deps.ts";
import { badParameter, type Query } from "../pagination.ts";
import { readProxies } from "../read-proxies.ts";
import { sendJson } from "../reply.ts";
import { requireMesh } from "../require-mesh.ts";

/** `GET /_status`: what is wrong, worst first, in a mesh or in all of them (ours; docs/rest.md). Always 200: the list is the answer. */
export function addStatusRoutes(app: FastifyInstance, deps: ApiDeps): void {
  const startedAt = deps.clock.now();
  app.get("/_status", { config: { title: "Could not retrieve the status" } }, async (request, reply) => {
    const { mesh } = request.query as Query;
    if (mesh !== undefined && typeof mesh !== "string") throw badParameter("mesh", "must be given once");
    const { identity, events } = deps;
    const { meshes, problems } = await readStatus(deps, mesh);
    const lastChange = events.list({ mesh }).findLast(({ user }) => user !== undefined);
    return sendJson(reply, 200, {
      controlPlane: { instance: identity.instanceId, version: identity.version, startedAt: timeText(startedAt) },
      meshes,
      problems: problems.map(problemJson),
      ...(lastChange ? { lastChange: buildEventJson(lastChange) } : {}),
    });
  });
}

interface MeshStatus {
  readonly name: string;
  /** Services that somebody offers. */
  readonly services: number;
  readonly dataplanes: number;
  /** How many Dataplanes have each status. */
  readonly statuses: Readonly<Record<string, number>>;
}

async function readStatus(deps: ApiDeps, only: string | undefined) {
  const meshes: MeshStatus[] = [];
  const problems: Problem[] = [];
  const trouble = deps.presence.storeTrouble();
  if (trouble !== undefined) problems.push(storeProblem(trouble));
  try {
    const names = only === undefined ? (await deps.store.list(MESH)).items.map(({ name }) => name) : [only];
    for (const name of names) {
      const facts = await readFacts(deps, name);
      meshes.push(meshStatus(name, facts));
      problems.push(...findProblems(name, facts, deps.clock.now()));
    }
  } catch (thrown) {
    const error = toMeshError(thrown);
    if (error.code !== "MM503" && error.code !== "MM500") throw error;
    if (trouble === undefined) problems.push(storeProblem(error.message));
  }
  return { meshes, problems };
}

async function readFacts(deps: ApiDeps, mesh: string): Promise<ProxyFacts[]> {
  await requireMesh(deps.store, mesh);
  const { items } = await deps.store.list(dataplaneType.name, { mesh });
  const proxies = await readProxies(deps, items);
  return proxies.map(({ dataplane, insight, presence, freshness }) => ({
    name: dataplane.name,
    dataplane: dataplane.spec,
    presence,
    status: proxyStatus(dataplane.spec, insight, presence),
    config: configStatus(presence?.open ?? false, insight, freshness),
  }));
}

function meshStatus(name: string, facts: readonly ProxyFacts[]): MeshStatus {
  const services = new Set(facts.flatMap(({ dataplane }) => servicesOf(dataplane)));
  const statuses: Record<string, number> = {};
  for (const { status } of facts) statuses[status.status] = (statuses[status.status] ?? 0) + 1;
  return { name, services: services.size, dataplanes: facts.length, statuses };
}

function storeProblem(reason: string): Problem {
  return {
    severity: "problem",
    kind: "store",
    mesh: "",
    name: "",
    since: undefined,
    text: `the store does not work: ${reason}. Proxies keep what they have`,
    next: "the log of the control plane tells more",
  };
}

function problemJson({ severity, kind, mesh, name, since, text, next }: Problem): unknown {
  return { severity, kind, mesh, name, ...(since === undefined ? {} : { since: timeText(since) }), text, next };
}
