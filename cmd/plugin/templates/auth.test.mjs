import assert from "node:assert/strict";
import { defineCases } from "monomesh/plugin";

const dataplane = { type: "Dataplane", mesh: "default", name: "web-1", labels: {}, spec: {} };

/** What the contract of all authenticators does not ask of this one. `monomesh plugin test` runs both. */
export default defineCases("auth", [
  {
    name: "a mesh without password lets nobody in",
    async run({ authenticator }) {
      const mesh = "a-mesh-without-password";
      await assert.rejects(authenticator.authenticate(undefined, { ...dataplane, mesh }), { code: "MM301" });
      await assert.rejects(authenticator.authenticate("a guess of 16 letters", { ...dataplane, mesh }), {
        code: "MM310",
      });
    },
  },
]);
