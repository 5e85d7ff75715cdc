import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
} from "#envoy/service/discovery/v3/discovery_pb.js";
import { type EncodedResource, TYPE_URL, XDS_TYPES, type XdsType } from "../../../core/envoy/encoded-resource.ts";
import type { GrpcMessage } from "../../../core/grpc/framing.ts";
import type { Snapshot } from "../../../core/push/snapshot.ts";
import { resourceListOf } from "../../support/resource-list-of.ts";

/** A resource whose content is just bytes; enough for everything but Envoy. */
export function fakeResource(type: XdsType, name: string, version: string, size = 8): EncodedResource {
  return encodeResource(type, name, version, Buffer.from(`${name}@${version}`.padEnd(size)));
}

/** Encodes with the generated messages, so that what the protocol code makes is checked against Envoy's own schema. */
export function encodeResource(type: XdsType, name: string, version: string, value: Uint8Array): EncodedResource {
  const any = create(AnySchema, { typeUrl: TYPE_URL[type], value: new Uint8Array(value) });
  return {
    type,
    name,
    version,
    sotwChunk: toBinary(DiscoveryResponseSchema, create(DiscoveryResponseSchema, { resources: [any] })),
    deltaChunk: toBinary(
      DeltaDiscoveryResponseSchema,
      create(DeltaDiscoveryResponseSchema, { resources: [{ name, version, resource: any }] }),
    ),
  };
}

/** `{ cluster: { a: "1" } }`: names to versions. Equal lists of an earlier snapshot are kept, as the port promises. */
export type Picture = { readonly [T in XdsType]?: Readonly<Record<string, string>> };

export function makeSnapshot(revision: number, picture: Picture, previous?: Snapshot, size = 8): Snapshot {
  const resources = Object.fromEntries(
    XDS_TYPES.map((type) => {
      const wanted = Object.entries(picture[type] ?? {});
      const old = previous?.resources[type];
      const same = old?.size === wanted.length && wanted.every(([name, version]) => old.get(name)?.version === version);
      if (old && same) return [type, old];
      return [
        type,
        resourceListOf(
          wanted.map(([name, version]) => {
            const known = old?.get(name);
            return known?.version === version ? known : fakeResource(type, name, version, size);
          }),
        ),
      ];
    }),
  );
  return { revision, since: sinceOf(revision, resources, previous), resources: resources as Snapshot["resources"] };
}

/** Of each type the revision at which it became what it is. */
export function sinceOf(
  revision: number,
  resources: Readonly<Record<string, unknown>>,
  previous?: Snapshot,
): Snapshot["since"] {
  const since = XDS_TYPES.map((type) => {
    const same = previous && previous.resources[type] === resources[type];
    return [type, same ? previous.since[type] : revision];
  });
  return Object.fromEntries(since) as Snapshot["since"];
}

export interface SotwRequestInit {
  readonly names?: readonly string[];
  readonly nonce?: string;
  readonly version?: string;
  readonly error?: string;
  readonly nodeId?: string;
}

export function sotwRequest(type: XdsType | string, init: SotwRequestInit = {}): Uint8Array {
  return toBinary(
    DiscoveryRequestSchema,
    create(DiscoveryRequestSchema, {
      typeUrl: TYPE_URL[type as XdsType] ?? type,
      resourceNames: [...(init.names ?? [])],
      responseNonce: init.nonce ?? "",
      versionInfo: init.version ?? "",
      ...(init.error === undefined ? {} : { errorDetail: { code: 13, message: init.error } }),
      ...(init.nodeId === undefined ? {} : { node: { id: init.nodeId } }),
    }),
  );
}

export interface DeltaRequestInit {
  readonly subscribe?: readonly string[];
  readonly unsubscribe?: readonly string[];
  readonly initial?: Readonly<Record<string, string>>;
  readonly nonce?: string;
  readonly error?: string;
  readonly nodeId?: string;
}

export function deltaRequest(type: XdsType | string, init: DeltaRequestInit = {}): Uint8Array {
  return toBinary(
    DeltaDiscoveryRequestSchema,
    create(DeltaDiscoveryRequestSchema, {
      typeUrl: TYPE_URL[type as XdsType] ?? type,
      resourceNamesSubscribe: [...(init.subscribe ?? [])],
      resourceNamesUnsubscribe: [...(init.unsubscribe ?? [])],
      initialResourceVersions: { ...init.initial },
      responseNonce: init.nonce ?? "",
      ...(init.error === undefined ? {} : { errorDetail: { code: 13, message: init.error } }),
      ...(init.nodeId === undefined ? {} : { node: { id: init.nodeId } }),
    }),
  );
}

/** A response as the tests look at it; `resources` are `name@version`. */
export interface SeenResponse {
  readonly type: XdsType;
  readonly nonce: string;
  readonly version: string;
  readonly controlPlane: string | undefined;
  readonly resources: readonly string[];
  readonly removed: readonly string[];
  readonly bytes: number;
}

/** The bytes of a message in one piece. */
export function wholeMessage(message: GrpcMessage): Uint8Array {
  return message instanceof Uint8Array ? message : Buffer.concat(message);
}

export function decodeDelta(frame: Uint8Array): SeenResponse {
  const response = fromBinary(DeltaDiscoveryResponseSchema, frame);
  return {
    type: typeNamed(response.typeUrl),
    nonce: response.nonce,
    version: response.systemVersionInfo,
    controlPlane: response.controlPlane?.identifier,
    resources: response.resources.map(({ name, version }) => `${name}@${version}`),
    removed: response.removedResources,
    bytes: frame.byteLength,
  };
}

/** State-of-the-world resources carry no name, so `names` tells it from the snapshots that were served. */
export function decodeSotw(frame: Uint8Array, names: (value: Uint8Array, type: XdsType) => string): SeenResponse {
  const response = fromBinary(DiscoveryResponseSchema, frame);
  const type = typeNamed(response.typeUrl);
  return {
    type,
    nonce: response.nonce,
    version: response.versionInfo,
    controlPlane: response.controlPlane?.identifier,
    resources: response.resources.map((any) => names(any.value, type)),
    removed: [],
    bytes: frame.byteLength,
  };
}

function typeNamed(url: string): XdsType {
  const type = XDS_TYPES.find((each) => TYPE_URL[each] === url);
  if (!type) throw new Error(`unknown type ${url}`);
  return type;
}
