import assert from "node:assert/strict";
import { defineCases } from "monomesh/plugin";

/** What the contract of all policies does not ask of this one. `monomesh plugin test` runs both. */
export default defineCases("policy", [
  {
    name: "the number of attempts reaches the listener",
    run({ settings }) {
      assert.deepEqual(settings({ attempts: 3 }), { listener: { maxConnectAttempts: 3 } });
    },
  },
  {
    name: "none at all, or too many, are refused",
    run({ violations }) {
      assert.deepEqual(violations({ attempts: 0 }), [{ field: "to[0].default.attempts", message: "must be 1 to 20" }]);
      assert.equal(violations({ attempts: 21 }).length, 1);
      assert.deepEqual(violations({ attempts: 20 }), []);
    },
  },
]);
