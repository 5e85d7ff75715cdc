import { definePlugin, definePolicy, fieldText, options, shape, z } from "monomesh/plugin";

/** What each `default` of the policy can say; TypeScript knows its type from here. */
const conf = shape.message({
  /** How many endpoints of a service are tried before a TCP connection is given up. */
  attempts: shape.optional(shape.uint32()),
});

/** TYPE_NAME: how often a sidecar tries to connect to a TCP service that it uses. */
export default definePlugin({
  kind: "policy",
  name: "NAME",
  description: "How often a TCP connection is tried.",
  options: options({
    /** Highest number that a policy may ask for. */
    most: z._default(z.int(), 20),
  }),
  create(_context, { most }) {
    return definePolicy({
      name: "TYPE_NAME",
      path: "TYPE_PATH",
      shortName: "TYPE_SHORT",
      singularDisplayName: "TYPE_NAME",
      pluralDisplayName: "TYPE_NAMEs",
      conf,
      // What the top-level targetRef can name, and what those of `to` can.
      topKinds: ["Mesh", "Dataplane"],
      toKinds: ["Mesh", "MeshService"],
      validate({ attempts }, path) {
        const field = fieldText([...path, "attempts"]);
        if (attempts === undefined) return [{ field, message: "is required" }];
        return attempts >= 1 && attempts <= most ? [] : [{ field, message: `must be 1 to ${most}` }];
      },
      // Only what the conf says: everything else keeps the value of other policies, or its default.
      contribute: ({ attempts }) => (attempts === undefined ? {} : { listener: { maxConnectAttempts: attempts } }),
    });
  },
});
