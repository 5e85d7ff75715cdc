import assert from "node:assert/strict";
import { defineCases } from "monomesh/plugin";

/** What the contract of all lifecycles does not ask of this one. `monomesh plugin test` runs both. */
export default defineCases("lifecycle", [
  {
    name: "it serves labelled sidecars and no others",
    run({ lifecycle, streamOf }) {
      const definition = { type: "Dataplane", mesh: "default", name: "web-1", labels: {}, spec: {} };
      const labelled = { ...definition, labels: { lifecycle: "NAME" } };
      assert.equal(lifecycle.accepts(streamOf({ definition: labelled })), true);
      assert.equal(lifecycle.accepts(streamOf({ definition })), false);
      assert.equal(lifecycle.accepts(streamOf({ definition: undefined })), false);
    },
  },
]);
