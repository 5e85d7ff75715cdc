import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { definitionOf, readDefinition } from "../../../core/dp-server/definition.ts";
import { KnownDefinitions } from "../../../core/dp-server/known-definitions.ts";
import { resourceToJson } from "../../../core/model/resource-json.ts";
import { dataplaneType } from "../../../core/model/types/dataplane.ts";

const inbound = { port: 9000, tags: { "kuma.io/service": "redis" } };
/** What users write, with and without what the control plane fills in, leaves out or writes in another way. */
const DEFINITIONS = {
  "the least": { networking: { address: "10.0.0.1", inbound: [inbound] } },
  everything: {
    creationTime: "0001-01-01T00:00:00Z",
    kri: "kri_dp___",
    labels: { team: "a" },
    unheardOf: { a: 1 },
    networking: {
      address: "10.0.0.1",
      advertisedAddress: "192.0.2.1",
      admin: { port: 9902 },
      inbound: [
        {
          ...inbound,
          name: "main",
          servicePort: 6379,
          serviceAddress: "127.0.0.2",
          health: {},
          serviceProbe: { interval: "0.500s", timeout: "2s", healthyThreshold: 2, tcp: {} },
        },
        { ...inbound, port: 9001, health: { ready: true }, state: "NotReady", protocol: "http" },
      ],
      outbound: [{ port: 33000, tags: { "kuma.io/service": "web", version: "1" } }],
    },
    probes: { port: 9100, endpoints: [{ inboundPort: 9001, inboundPath: "/a", path: "/b" }] },
  },
  "a gateway": { networking: { address: "host.example", gateway: { tags: { "kuma.io/service": "edge" } } } },
} as const;

function read(text: string) {
  const { draft, violations } = readDefinition(text, "default", "redis-1");
  assert.deepEqual(violations, []);
  return draft;
}

describe("the definition on a stream", () => {
  for (const [what, definition] of Object.entries(DEFINITIONS)) {
    it(`is the one of the bootstrap: ${what}`, () => {
      const draft = read(JSON.stringify({ type: "Dataplane", mesh: "default", name: "redis-1", ...definition }));
      const text = JSON.stringify(resourceToJson(dataplaneType, draft));
      const again = definitionOf({ "dataplane.resource": text }, "default", "redis-1", new KnownDefinitions());
      const known = new KnownDefinitions();
      known.note(text, draft);
      const kept = definitionOf({ "dataplane.resource": text }, "default", "redis-1", known);
      assert.equal(kept, draft);
      assert.deepEqual(JSON.parse(JSON.stringify(kept)), JSON.parse(JSON.stringify(again)));
    });
  }

  it("is of the proxy that the stream is of, also when it is known", () => {
    const draft = read(JSON.stringify({ type: "Dataplane", ...DEFINITIONS["the least"] }));
    const known = new KnownDefinitions();
    known.note("text", draft);
    assert.throws(() => definitionOf({ "dataplane.resource": "text" }, "default", "redis-2", known), { code: "MM700" });
  });
});

describe("known definitions", () => {
  const draft = read(JSON.stringify(DEFINITIONS["the least"]));

  it("are given once, and never for another text", () => {
    const known = new KnownDefinitions();
    known.note("a", draft);
    assert.equal(known.take("b"), undefined);
    assert.equal(known.take("a"), draft);
    assert.equal(known.take("a"), undefined);
  });

  it("are 500 at the most: sidecars that never come cost no more", () => {
    const known = new KnownDefinitions();
    for (let at = 0; at < 510; at++) known.note(`text ${at}`, draft);
    assert.equal(known.take("text 9"), undefined);
    assert.equal(known.take("text 10"), draft);
    assert.equal(known.take("text 509"), draft);
  });
});
