import assert from "node:assert/strict";
import { defineCases } from "monomesh/plugin";

const dataplane = { type: "Dataplane", mesh: "default", name: "web-1", labels: {}, spec: {} };

/** What the contract of all authenticators does not ask of this one. `monomesh plugin test` runs both. */
export default defineCases("auth", [
  {
    name: "without a secret nobody is let in, whatever the token says of itself",
    async run({ authenticator }) {
      const part = (value = {}) => Buffer.from(JSON.stringify(value)).toString("base64url");
      const unsigned = `${part({ alg: "none" })}.${part({ mesh: "default", exp: 4_000_000_000 })}.`;
      await assert.rejects(authenticator.authenticate(undefined, dataplane), { code: "MM301" });
      await assert.rejects(authenticator.authenticate(unsigned, dataplane), { code: "MM310" });
    },
  },
]);
