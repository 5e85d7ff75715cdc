import { hash } from "node:crypto";
import { type EncodedResource, TYPE_URL, type XdsType } from "./encoded-resource.ts";
import { ReverseWriter } from "./wire.ts";

/** Field `resources` of DiscoveryResponse and of DeltaDiscoveryResponse. */
const RESOURCES = 2;
/** Fields of `envoy.service.discovery.v3.Resource` and of `google.protobuf.Any`. */
const RESOURCE = { version: 1, resource: 2, name: 3 } as const;
const ANY = { typeUrl: 1, value: 2 } as const;

const writer = new ReverseWriter();

/**
 * Wraps the bytes of one message for both variants of the protocol. The Any is field 2 of a DiscoveryResponse and also
 * field 2 of the delta `Resource`, so the state-of-the-world chunk is a part of the delta chunk: one buffer, both views.
 * The version is the first 64 bits of the content's SHA-256, in hexadecimal.
 */
export function encodeResource(type: XdsType, name: string, content: Uint8Array): EncodedResource {
  const version = hash("sha256", content, "hex").slice(0, 16);
  writer.text(RESOURCE.name, name);
  const anyEnd = writer.mark();
  writer.bytes(ANY.value, content);
  writer.text(ANY.typeUrl, TYPE_URL[type]);
  writer.frame(RESOURCE.resource, anyEnd);
  const anyStart = writer.mark();
  writer.text(RESOURCE.version, version);
  writer.frame(RESOURCES, 0);
  const deltaChunk = writer.take();
  const { length } = deltaChunk;
  return { type, name, version, sotwChunk: deltaChunk.subarray(length - anyStart, length - anyEnd), deltaChunk };
}
