import { admitDefinition, definePlugin, options, z } from "monomesh/plugin";

/**
 * NAME: serves the sidecars that bring a definition with the label `lifecycle: NAME`. Their Dataplane is made as it is
 * brought, stays when they leave, and is theirs to change as long as their token is valid for it.
 */
export default definePlugin({
  kind: "lifecycle",
  name: "NAME",
  description: "Keeps the Dataplanes of labelled sidecars when they leave.",
  options: options({
    /** Value of the label that a definition must have. */
    label: z._default(z.string(), "NAME"),
  }),
  create(_context, { label }) {
    return {
      name: "NAME",
      accepts: (stream) => stream.definition?.labels["lifecycle"] === label,
      async admit(request) {
        // Completed and checked as for every sidecar that brings a definition, its token against the stored one too.
        return { dataplane: await admitDefinition(request), ownsDataplane: false };
      },
      afterLeave: () => "keep",
    };
  },
});
