import { create, type DescMessage, type MessageInitShape } from "@bufbuild/protobuf";
import { type Any, anyPack, type DurationSchema } from "@bufbuild/protobuf/wkt";
import type { AddressSchema } from "#envoy/config/core/v3/address_pb.js";
import type { MetadataSchema } from "#envoy/config/core/v3/base_pb.js";
import type { Tags } from "../model/dataplane/access.ts";

/** Small pieces that several builders need. */

export function pack<Desc extends DescMessage>(schema: Desc, init: MessageInitShape<Desc>): Any {
  return anyPack(schema, create(schema, init));
}

/** A filter or extension: its name and its configuration. */
export function extension<Desc extends DescMessage>(name: string, schema: Desc, init: MessageInitShape<Desc>) {
  return { name, configType: { case: "typedConfig" as const, value: pack(schema, init) } };
}

/** Milliseconds as a Duration. */
export function duration(ms: number): MessageInitShape<typeof DurationSchema> {
  const seconds = Math.floor(ms / 1000);
  return { seconds: BigInt(seconds), nanos: Math.round((ms - seconds * 1000) * 1e6) };
}

export function optionalDuration(ms: number | undefined): MessageInitShape<typeof DurationSchema> | undefined {
  return ms === undefined ? undefined : duration(ms);
}

export function socketAddress(address: string, port: number): MessageInitShape<typeof AddressSchema> {
  return {
    address: { case: "socketAddress", value: { address, portSpecifier: { case: "portValue", value: port } } },
  };
}

/** The metadata `io.kuma.tags` by which Kuma's tools know a listener. */
export function tagsMetadata(tags: Tags): MessageInitShape<typeof MetadataSchema> {
  const sorted = Object.keys(tags).sort();
  return { filterMetadata: { "io.kuma.tags": Object.fromEntries(sorted.map((name) => [name, tags[name] as string])) } };
}
