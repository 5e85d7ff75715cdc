import assert from "node:assert/strict";
import { test } from "node:test";
import { create, equals, fromBinary, toBinary } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import {
  DeltaDiscoveryResponseSchema,
  DiscoveryResponseSchema,
  ResourceSchema,
} from "#envoy/service/discovery/v3/discovery_pb.js";
import { encodeResource } from "../../../core/envoy/encode.ts";
import { TYPE_URL, XDS_TYPES } from "../../../core/envoy/encoded-resource.ts";

for (const size of [0, 1, 127, 128, 20_000, 3_000_000]) {
  test(`the chunks of ${size} bytes are what the generated messages give`, () => {
    const value = new Uint8Array(size).fill(7);
    for (const type of XDS_TYPES) {
      const encoded = encodeResource(type, "näme", value);
      const resource = create(AnySchema, { typeUrl: TYPE_URL[type], value });
      const sotw = toBinary(DiscoveryResponseSchema, create(DiscoveryResponseSchema, { resources: [resource] }));
      const delta = create(ResourceSchema, { name: "näme", version: encoded.version, resource });
      // An empty value is a field that proto3 leaves out; readers see no difference.
      if (size > 0) {
        assert.ok(Buffer.from(sotw).equals(encoded.sotwChunk));
        const message = create(DeltaDiscoveryResponseSchema, { resources: [delta] });
        assert.ok(Buffer.from(toBinary(DeltaDiscoveryResponseSchema, message)).equals(encoded.deltaChunk));
      }
      const [deltaRead] = fromBinary(DeltaDiscoveryResponseSchema, encoded.deltaChunk).resources;
      const [sotwRead] = fromBinary(DiscoveryResponseSchema, encoded.sotwChunk).resources;
      assert.ok(deltaRead && equals(ResourceSchema, deltaRead, delta));
      assert.ok(sotwRead && equals(AnySchema, sotwRead, resource));
    }
  });
}

test("the version follows from the content alone", () => {
  const version = (name: string, text: string) => encodeResource("route", name, Buffer.from(text)).version;
  assert.match(version("a", "x"), /^[0-9a-f]{16}$/);
  assert.equal(version("a", "x"), version("b", "x"));
  assert.notEqual(version("a", "x"), version("a", "y"));
});

test("a resource keeps no more memory than its bytes", () => {
  const { sotwChunk, deltaChunk } = encodeResource("cluster", "a", Buffer.from("content"));
  assert.equal(sotwChunk.buffer, deltaChunk.buffer);
  assert.equal(deltaChunk.buffer.byteLength, deltaChunk.length);
});
