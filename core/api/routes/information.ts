import type { FastifyInstance } from "fastify";
import type { ResourceType } from "../../model/resource-type.ts";
import { type ApiDeps, KUMA_VERSION } from "../api-deps.ts";
import { accessOf } from "../caller.ts";
import { sendJson } from "../reply.ts";

/** What the control plane is and what it knows (contract, section 7.5). */
export function addInformationRoutes(app: FastifyInstance, deps: ApiDeps): void {
  const { identity } = deps;
  app.get("/", async (_request, reply) =>
    sendJson(reply, 200, {
      hostname: identity.hostname,
      // Older clients look at `tagline`, newer ones at `product`; both want to see exactly this word.
      tagline: "Kuma",
      product: "Kuma",
      version: KUMA_VERSION,
      instanceId: identity.instanceId,
      clusterId: identity.clusterId,
      basedOnKuma: KUMA_VERSION,
      monomesh: identity.version,
    }),
  );
  app.get("/config", async (_request, reply) => sendJson(reply, 200, deps.config()));
  app.get("/who-am-i", async (request, reply) => sendJson(reply, 200, accessOf(deps, request).user));
  app.get("/_resources", async (_request, reply) =>
    sendJson(reply, 200, { resources: deps.types.visible.map((type) => description(type, deps.readOnly === true)) }),
  );
  app.get("/policies", async (_request, reply) =>
    sendJson(reply, 200, {
      policies: deps.types.visible.flatMap((type) => policyEntry(type, deps.readOnly === true)),
    }),
  );
}

function description(type: ResourceType, readOnly: boolean): unknown {
  return {
    name: type.name,
    path: type.path,
    scope: type.scope,
    readOnly: type.readOnly || readOnly,
    includeInFederation: type.includeInFederation,
    shortName: type.shortName,
    singularDisplayName: type.singularDisplayName,
    pluralDisplayName: type.pluralDisplayName,
    ...(type.policy ? { policy: type.policy } : {}),
  };
}

function policyEntry({ policy, ...type }: ResourceType, readOnly: boolean): unknown[] {
  if (!policy) return [];
  return [
    {
      name: type.name,
      readOnly: type.readOnly || readOnly,
      path: type.path,
      singularDisplayName: type.singularDisplayName,
      pluralDisplayName: type.pluralDisplayName,
      isExperimental: false,
      isTargetRefBased: policy.isTargetRef,
      isInbound: policy.hasFromTargetRef || policy.hasRulesTargetRef,
      isOutbound: policy.hasToTargetRef,
    },
  ];
}
