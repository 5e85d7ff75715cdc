import { MeshError, type Violation } from "../kernel/errors.ts";
import { computeResource } from "../model/computed.ts";
import type { ResourceDraft } from "../model/resource.ts";
import { type DataplaneSpec, dataplaneType } from "../model/types/dataplane.ts";
import type { MeshSpec } from "../model/types/mesh.ts";
import type { AdmissionRequest } from "./lifecycle.ts";

/**
 * The Dataplane that a sidecar brought, completed as the control plane does it and checked: it is of this proxy, its stream
 * may also act as the stored one, it is valid and the mesh admits it. Rejects with MM104, MM700 or what the
 * authentication says.
 */
export async function admitDefinition({ stream, mesh, existing }: AdmissionRequest): Promise<ResourceDraft> {
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
  return draft;
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
