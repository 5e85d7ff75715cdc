import assert from "node:assert/strict";
import { test } from "node:test";
import { isRefusal, outcomeOf } from "../../../../core/sidecar/relay/refusal.ts";

const ADS = "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources";
const HDS = "/envoy.service.health.v3.HealthDiscoveryService/StreamHealthCheck";

const cases: [string, string, Record<string, string>, boolean][] = [
  [
    "a monomesh's user error",
    ADS,
    { "grpc-status": "2", "grpc-message": "no (MM311)", "monomesh-code": "MM311" },
    true,
  ],
  ["the code in the text alone", ADS, { "grpc-status": "2", "grpc-message": "the token is for a (MM311)" }, true],
  [
    "a monomesh whose store is away",
    ADS,
    { "grpc-status": "2", "grpc-message": "x (MM503)", "monomesh-code": "MM503" },
    false,
  ],
  ["a defect of the control plane", ADS, { "grpc-status": "2", "grpc-message": "x", "monomesh-code": "MM900" }, false],
  [
    "Kuma: authentication",
    ADS,
    { "grpc-status": "2", "grpc-message": "authentication failed: could not parse token" },
    true,
  ],
  [
    "Kuma: registration",
    ADS,
    { "grpc-status": "2", "grpc-message": "could not register proxy passed in kuma-dp run" },
    true,
  ],
  [
    "Kuma: reconnect within 10 s",
    ADS,
    { "grpc-status": "2", "grpc-message": "an active stream already exists, try again later" },
    false,
  ],
  ["permission denied", ADS, { "grpc-status": "7", "grpc-message": "no" }, true],
  ["unavailable", ADS, { "grpc-status": "14", "grpc-message": "shutting down" }, false],
  ["a proxy between: 503", ADS, { ":status": "503" }, false],
  ["not there: HTTP 404", ADS, { ":status": "404" }, true],
  ["a normal end", ADS, { "grpc-status": "0" }, false],
  ["HDS that nobody serves", HDS, { "grpc-status": "12", "grpc-message": "unimplemented" }, false],
];

for (const [what, path, headers, expected] of cases) {
  test(`${what}: ${expected ? "waiting does not cure it" : "tried again"}`, () => {
    assert.equal(isRefusal(outcomeOf(path, headers)), expected);
  });
}

test("a message that is badly encoded is shown as it came", () => {
  assert.equal(outcomeOf(ADS, { "grpc-status": "2", "grpc-message": "100%" }).message, "100%");
  assert.equal(outcomeOf(ADS, { "grpc-status": "2", "grpc-message": "caf%C3%A9" }).message, "café");
});
