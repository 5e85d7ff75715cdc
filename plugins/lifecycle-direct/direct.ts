import { admitDefinition } from "../../core/presence/admit-definition.ts";
import type { Lifecycle } from "../../core/presence/lifecycle.ts";

/**
 * The sidecar brings the definition (contract, section 4.4): the Dataplane is made from it, or updated if the sidecar's token
 * is also valid for what is stored. One that a user made through the API stays the user's: updated, never deleted by a leave.
 */
export function createDirectLifecycle(): Lifecycle {
  return {
    name: "direct",
    accepts: (stream) => stream.definition !== undefined,
    async admit(request) {
      const { existing, previous } = request;
      const dataplane = await admitDefinition(request);
      return { dataplane, ownsDataplane: existing ? (previous?.ownsDataplane ?? false) : true };
    },
    afterLeave: (presence) => (presence.ownsDataplane ? "delete" : "keep"),
  };
}
