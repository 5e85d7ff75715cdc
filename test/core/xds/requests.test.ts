import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create, type JsonObject, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { NodeSchema } from "#envoy/config/core/v3/base_pb.js";
import { DiscoveryRequestSchema } from "#envoy/service/discovery/v3/discovery_pb.js";
import { TYPE_URL } from "../../../core/envoy/encoded-resource.ts";
import { readDeltaDiscoveryRequest } from "../../../core/xds/delta-discovery-request.ts";
import { readDiscoveryRequest, readNames } from "../../../core/xds/discovery-request.ts";
import { readNode, readNodeId } from "../../../core/xds/node-reader.ts";
import { deltaRequest, sotwRequest } from "./fixtures.ts";

const metadata: JsonObject = {
  text: "ä→z",
  number: 1.5,
  yes: true,
  no: false,
  nothing: null,
  list: [1, "two", { three: [3] }, []],
  deep: { er: { est: {} } },
};

interface NodeInit {
  readonly metadata?: JsonObject;
  readonly userAgentVersionType?: NonNullable<MessageInitShape<typeof NodeSchema>["userAgentVersionType"]>;
}

function nodeBytes(init: NodeInit): Uint8Array {
  return toBinary(
    NodeSchema,
    create(NodeSchema, {
      id: "default.web-1",
      cluster: "web",
      locality: { zone: "z" },
      userAgentName: "envoy",
      extensions: Array.from({ length: 1000 }, (_, i) => ({ name: `envoy.filters.${i}`, category: "x".repeat(40) })),
      ...init,
    }),
  );
}

describe("requests", () => {
  it("reads a node as Envoy writes it", () => {
    const bytes = nodeBytes({
      metadata,
      userAgentVersionType: {
        case: "userAgentBuildVersion",
        value: { version: { majorNumber: 1, minorNumber: 40, patch: 2 } },
      },
    });
    assert.ok(bytes.byteLength > 50_000);
    const node = readNode(bytes);
    assert.deepEqual(node, { id: "default.web-1", cluster: "web", metadata, userAgentVersion: "1.40.2" });
    assert.equal(readNodeId(bytes), "default.web-1");
  });

  it("reads a user agent that is plain text, and a node without anything", () => {
    const node = readNode(nodeBytes({ userAgentVersionType: { case: "userAgentVersion", value: "mine" } }));
    assert.equal(node.userAgentVersion, "mine");
    assert.deepEqual(readNode(new Uint8Array()), { id: "", cluster: "", metadata: {}, userAgentVersion: "" });
  });

  it("keeps odd keys of metadata as data", () => {
    const node = readNode(nodeBytes({ metadata: JSON.parse('{"__proto__": {"polluted": true}, "": 1}') }));
    assert.deepEqual(Object.keys(node.metadata), ["__proto__", ""]);
    assert.equal((node.metadata as { polluted?: boolean }).polluted, undefined);
    assert.equal(({} as { polluted?: boolean }).polluted, undefined);
  });

  it("refuses metadata that is nested without end", () => {
    let deep: JsonObject = {};
    for (let i = 0; i < 80; i++) deep = { deep };
    assert.throws(() => readNode(nodeBytes({ metadata: deep })), /nested deeper than 64 levels/);
  });

  it("reads every field of a state-of-the-world request", () => {
    const request = readDiscoveryRequest(
      sotwRequest("endpoint", { names: ["a", "", "b"], nonce: "n1", version: "v", error: "why", nodeId: "m.n" }),
    );
    assert.equal(request.typeUrl, TYPE_URL.endpoint);
    assert.equal(request.nonce, "n1");
    assert.equal(request.error, "why");
    assert.deepEqual(readNames(request.names), ["a", "", "b"]);
    assert.equal(readNodeId(request.node ?? new Uint8Array()), "m.n");
  });

  it("reads names that stand apart in the message", () => {
    const parts = ["a", "b"].map((name) => sotwRequest("endpoint", { names: [name] }));
    assert.deepEqual(readNames(readDiscoveryRequest(Buffer.concat(parts)).names), ["a", "b"]);
  });

  it("takes a refusal without a text as one", () => {
    const bytes = toBinary(DiscoveryRequestSchema, create(DiscoveryRequestSchema, { errorDetail: { code: 3 } }));
    assert.equal(readDiscoveryRequest(bytes).error, "refused with status 3");
  });

  it("reads every field of a delta request", () => {
    const request = readDeltaDiscoveryRequest(
      deltaRequest("cluster", {
        subscribe: ["a"],
        unsubscribe: ["b", "c"],
        initial: { x: "1", y: "" },
        nonce: "2",
        error: "e",
      }),
    );
    assert.deepEqual(
      { ...request, initialVersions: Object.fromEntries(request.initialVersions) },
      {
        node: undefined,
        typeUrl: TYPE_URL.cluster,
        nonce: "2",
        error: "e",
        subscribe: ["a"],
        unsubscribe: ["b", "c"],
        initialVersions: { x: "1", y: "" },
      },
    );
  });

  it("answers every cut and every flipped byte with an error or a request, never with a crash", () => {
    const whole = deltaRequest("endpoint", { subscribe: ["a", "b"], initial: { a: "1" }, nonce: "3", nodeId: "m.n" });
    let refused = 0;
    const feed = (bytes: Uint8Array) => {
      for (const read of [readDeltaDiscoveryRequest, readDiscoveryRequest, readNode]) {
        try {
          read(bytes);
        } catch (error) {
          refused++;
          assert.match((error as Error).message, /not valid protobuf|nested deeper/);
        }
      }
    };
    for (let end = 0; end < whole.byteLength; end++) feed(whole.subarray(0, end));
    for (let at = 0; at < whole.byteLength; at++) {
      for (const value of [0, 0x7f, 0x80, 0xff]) {
        const broken = Uint8Array.from(whole);
        broken[at] = value;
        feed(broken);
      }
    }
    assert.ok(refused > 100);
  });
});
