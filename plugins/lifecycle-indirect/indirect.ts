import { MeshError } from "../../core/kernel/errors.ts";
import type { Lifecycle } from "../../core/presence/lifecycle.ts";

/**
 * The Dataplane is made through REST or the command line, before the sidecar starts, which names it by mesh and name. A
 * leave never deletes it; only absence longer than the cleanup age does.
 */
export function createIndirectLifecycle(): Lifecycle {
  return {
    name: "indirect",
    accepts: (stream) => stream.definition === undefined,
    async admit({ stream, existing, previous }) {
      const { mesh, name } = stream.proxy;
      if (!existing) {
        throw new MeshError("MM404", `Dataplane "${name}" of mesh "${mesh}" does not exist`, {
          why: "The sidecar was started without a definition, so it must be there first.",
          todo: "Create it with `monomesh apply -f FILE`, or give the sidecar --dataplane-file.",
        });
      }
      await stream.authenticate(existing);
      return { dataplane: existing, ownsDataplane: previous?.ownsDataplane ?? false };
    },
    afterLeave: () => "keep",
  };
}
