import assert from "node:assert/strict";
import { test } from "node:test";
import { PROTOCOLS, type Protocol } from "../../../core/model/dataplane/access.ts";
import { commonProtocol } from "../../../core/view/service-protocol.ts";

const CASES: readonly (readonly [readonly Protocol[], Protocol])[] = [
  [[], "tcp"],
  [["http", "http"], "http"],
  [["grpc", "http2"], "http2"],
  [["grpc", "http2", "http"], "http"],
  [["http", "grpc"], "http"],
  [["http", "tcp"], "tcp"],
  [["kafka", "kafka"], "kafka"],
  [["kafka", "http"], "tcp"],
  [["grpc", "kafka", "grpc"], "tcp"],
];

for (const [protocols, common] of CASES) {
  test(`${protocols.join(" + ") || "nothing"} is ${common}`, () => {
    assert.equal(commonProtocol(protocols), common);
    assert.equal(commonProtocol(protocols.toReversed()), common);
  });
}

test("every protocol agrees with itself", () => {
  for (const protocol of PROTOCOLS) assert.equal(commonProtocol([protocol, protocol]), protocol);
});
