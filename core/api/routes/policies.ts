import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { MeshError } from "../../kernel/errors.ts";
import type { Resource } from "../../model/resource.ts";
import { type DataplaneSpec, dataplaneType } from "../../model/types/dataplane.ts";
import type { EffectivePolicies } from "../../policy/effective-policies.ts";
import { selectProxy } from "../../policy/match.ts";
import type { Policy } from "../../policy/policy.ts";
import type { PolicySpec } from "../../policy/policy-spec.ts";
import type { ApiDeps } from "../api-deps.ts";
import { listResources } from "../list-resources.ts";
import type { Query } from "../pagination.ts";
import { buildAffectedDocument, buildOldRulesDocument, buildPoliciesDocument } from "../policies/old-inspection.ts";
import { readEffectivePolicies } from "../policies/read-effective.ts";
import { buildRulesDocument, metaOf } from "../policies/rules-document.ts";
import { sendJson, sendList } from "../reply.ts";
import { requireMesh } from "../require-mesh.ts";

interface Params {
  readonly mesh: string;
  readonly path: string;
  readonly name: string;
}

/** Where the proxies that a policy selects are listed; the second is a slip of kumactl's `--new-api`, the third the old form. */
export const AFFECTED_PATHS = ["_resources/dataplanes", "-resources/dataplanes", "dataplanes"] as const;

type Inspect = (effective: EffectivePolicies, dataplane: Resource<DataplaneSpec>) => unknown;

const INSPECTIONS: Readonly<Record<string, Inspect>> = {
  _rules: buildRulesDocument,
  rules: buildOldRulesDocument,
  policies: buildPoliciesDocument,
};

const config = { title: "Could not retrieve a resource" };

/** What policies mean for a proxy, and which proxies a policy selects (contract, section 7.5). */
export function addPolicyRoutes(app: FastifyInstance, deps: ApiDeps): void {
  for (const [path, inspect] of Object.entries(INSPECTIONS)) {
    app.get(`/meshes/:mesh/dataplanes/:name/${path}`, { config }, async (request, reply) => {
      const { mesh, name } = request.params as Params;
      await requireMesh(deps.store, mesh);
      const dataplane = await deps.store.get({ type: dataplaneType.name, mesh, name });
      if (!dataplane) throw new MeshError("MM404", "Not found");
      const effective = await readEffectivePolicies(deps.store, deps.policies ?? [], mesh);
      return sendJson(reply, 200, inspect(effective, dataplane as Resource<DataplaneSpec>));
    });
  }
  const onRequest = async (request: FastifyRequest, reply: FastifyReply) =>
    policyOf(deps, request) ? undefined : reply.callNotFound();
  for (const path of AFFECTED_PATHS) {
    app.get(`/meshes/:mesh/:path/:name/${path}`, { config, onRequest }, async (request, reply) => {
      const { mesh, name } = request.params as Params;
      await requireMesh(deps.store, mesh);
      const policy = await deps.store.get({ type: policyOf(deps, request)?.type.name ?? "", mesh, name });
      if (!policy) throw new MeshError("MM404", "Not found");
      const selected = (item: Resource) =>
        selectProxy(policy as Resource<PolicySpec>, item as Resource<DataplaneSpec>) !== undefined;
      // The old form has no pages.
      if (path === "dataplanes") {
        const { items } = await deps.store.list(dataplaneType.name, { mesh });
        return sendJson(reply, 200, buildAffectedDocument(items.filter(selected) as Resource<DataplaneSpec>[]));
      }
      const page = await listResources(deps.store, dataplaneType, mesh, request.query as Query, selected);
      return sendList(request, reply, page, metaOf);
    });
  }
}

function policyOf(deps: ApiDeps, request: FastifyRequest): Policy | undefined {
  return deps.policies?.find(({ type }) => type.path === (request.params as Params).path);
}
