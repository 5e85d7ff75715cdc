import type { FastifyInstance } from "fastify";
import { MeshError } from "../../kernel/errors.ts";
import { DATAPLANE_PRESENCE, type PresenceSpec } from "../../model/dataplane-presence.ts";
import { DATAPLANE } from "../../model/types/dataplane.ts";
import type { ApiDeps } from "../api-deps.ts";
import { sendJson } from "../reply.ts";
import { requireMesh } from "../require-mesh.ts";

/**
 * `GET …/_failures`: the last failed requests of a sidecar, newest first. They are in the memory of the control plane that
 * the sidecar is connected to; another one names that in `heldBy` instead. A sidecar that has left is still answered for.
 */
export function addFailureRoutes(app: FastifyInstance, deps: ApiDeps): void {
  const config = { title: "Could not retrieve failures" };
  app.get("/meshes/:mesh/dataplanes/:name/_failures", { config }, async (request, reply) => {
    const { mesh, name } = request.params as { readonly mesh: string; readonly name: string };
    await requireMesh(deps.store, mesh);
    const kept = deps.failures.read({ mesh, name });
    const [dataplane, presence] = await Promise.all(
      [DATAPLANE, DATAPLANE_PRESENCE].map((type) => deps.store.get({ type, mesh, name })),
    );
    if (!kept && !dataplane) throw new MeshError("MM404", "Not found");
    const { instance } = (presence?.spec as PresenceSpec | undefined) ?? {};
    const elsewhere = instance !== undefined && instance !== deps.identity.instanceId;
    const items = kept ?? [];
    return sendJson(reply, 200, { total: items.length, items, ...(elsewhere ? { heldBy: instance } : {}) });
  });
}
