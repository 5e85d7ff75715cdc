import { MeshError, type Violation } from "../../core/kernel/errors.ts";
import { computeResource } from "../../core/model/computed.ts";
import type { ResourceDraft } from "../../core/model/resource.ts";
import { type DataplaneSpec, dataplaneType } from "../../core/model/types/dataplane.ts";
import type { MeshSpec } from "../../core/model/types/mesh.ts";
import type { Lifecycle } from "../../core/presence/lifecycle.ts";

/**
 * The sidecar brings the definition (contract, section 4.4): the Dataplane is made from it, or updated if the sidecar's token
 * is also valid for what is stored. One that a user made through the API stays the user's: updated, never deleted by a leave.
 */
export function createDirectLifecycle(): Lifecycle {
  return {
    name: "direct",
    accepts: (stream) => stream.definition !== undefined,
    async admit({ stream, mesh, existing, previous }) {
      const { proxy, definition } = stream;
      if (!definition) throw new MeshError("MM700", "the sidecar brought no definition");
      if (definition.type !== "Dataplane" || definition.mesh !== proxy.mesh || definition.name !== proxy.name) {
        throw refused(proxy, "the definition is for another proxy", [
          {
            field: "name",
            message: `${definition.type} "${definition.name}" of mesh "${definition.mesh}" does not fit the node id ${proxy.mesh}.${proxy.name}`,
          },
        ]);
      }
      if (existing) await stream.authenticate(existing);
      const { draft, violations } = computeResource(dataplaneType, definition, {
        previous: existing,
        mesh: mesh.spec as MeshSpec,
      });
      const problems = [...dataplaneType.validate(draft as ResourceDraft<DataplaneSpec>), ...violations];
      if (problems.length > 0) throw refused(proxy, "its definition is not valid", problems);
      return { dataplane: draft, ownsDataplane: existing ? (previous?.ownsDataplane ?? false) : true };
    },
    afterLeave: (presence) => (presence.ownsDataplane ? "delete" : "keep"),
  };
}

/** MM104, in the words that users of kuma-dp look for (contract, section 4.4). */
function refused(
  proxy: { readonly mesh: string; readonly name: string },
  what: string,
  violations: readonly Violation[],
): MeshError {
  const list = violations.map((each) => `${each.field}: ${each.message}`).join("; ");
  return new MeshError("MM104", `could not register proxy passed in kuma-dp run: ${what}: ${list}`, {
    where: `Dataplane "${proxy.name}" of mesh "${proxy.mesh}"`,
    violations,
  });
}
