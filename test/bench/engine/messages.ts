import { TYPE_URL, type XdsType } from "../../../core/envoy/encoded-resource.ts";
import type { Variant } from "../../../core/xds/discovery-response.ts";
import { WireReader } from "../../../core/xds/wire-reader.ts";

/** Requests and responses of ADS by hand: the generator must stay cheaper than what it measures. */

/** Numbers of the fields that the two variants of a request have in different places. */
const FIELDS = {
  sotw: { version: 1, node: 2, names: 3, type: 4, nonce: 5 },
  delta: { version: undefined, node: 1, names: 3, type: 2, nonce: 6 },
} as const;

export interface RequestInit {
  readonly node?: Buffer | undefined;
  /** Already encoded: `encodeNames`. With delta they are subscribed to, with state of the world they are all there is. */
  readonly names?: Buffer | undefined;
  /** Of the response that this one acknowledges. */
  readonly response?: Acknowledged | undefined;
}

const TYPE_FIELDS = {
  sotw: typeFields(FIELDS.sotw.type),
  delta: typeFields(FIELDS.delta.type),
} as const;

export function encodeRequest(variant: Variant, type: XdsType, { node, names, response }: RequestInit): Buffer {
  const fields = FIELDS[variant];
  const parts = [TYPE_FIELDS[variant][type]];
  if (node) parts.push(field(fields.node, node));
  if (names) parts.push(names);
  if (response) {
    // go-control-plane takes the version for the acknowledgement and sends the same again without it.
    if (fields.version !== undefined) parts.push(field(fields.version, Buffer.from(response.version)));
    parts.push(field(fields.nonce, Buffer.from(response.nonce)));
  }
  return Buffer.concat(parts);
}

export function encodeNames(names: Iterable<string>): Buffer {
  return Buffer.concat([...names].map((name) => field(3, Buffer.from(name))));
}

/** A response; `resources` are views of it, each the bytes of one Any. */
export interface Response {
  readonly type: XdsType | undefined;
  readonly version: string;
  readonly nonce: string;
  readonly resources: readonly WireReader[];
}

/** What an acknowledgement says of a response: it may be kept longer than the message, which is a view. */
export type Acknowledged = Pick<Response, "nonce" | "version">;

const TYPE_OF = new Map(Object.entries(TYPE_URL).map(([type, url]) => [url, type as XdsType]));

export function readResponse(variant: Variant, message: Buffer): Response {
  const reader = new WireReader(message);
  const resources: WireReader[] = [];
  let type: XdsType | undefined;
  let version = "";
  let nonce = "";
  while (reader.next()) {
    if (reader.field === 1) version = reader.string();
    else if (reader.field === 2) resources.push(reader.message());
    else if (reader.field === 4) type = TYPE_OF.get(reader.string());
    else if (reader.field === 5) nonce = reader.string();
    else reader.skip();
  }
  return { type, version, nonce, resources: variant === "sotw" ? resources : resources.map(anyOfResource) };
}

/** `envoy.service.discovery.v3.Resource.resource`. */
function anyOfResource(resource: WireReader): WireReader {
  while (resource.next()) {
    if (resource.field === 2) return resource.message();
    resource.skip();
  }
  return resource;
}

const CLUSTER_TYPE_EDS = 3;

/** Name of what a cluster's endpoints are asked for by; undefined when it does not get them by EDS. */
export function edsNameOf(any: WireReader): string | undefined {
  let name = "";
  let serviceName = "";
  let byEds = false;
  while (any.next()) {
    if (any.field !== 2) {
      any.skip();
      continue;
    }
    const cluster = any.message();
    while (cluster.next()) {
      if (cluster.field === 1) name = cluster.string();
      else if (cluster.field === 2) byEds = cluster.uint() === CLUSTER_TYPE_EDS;
      else if (cluster.field === 3) serviceName = readServiceName(cluster.message());
      else cluster.skip();
    }
  }
  return byEds ? serviceName || name : undefined;
}

function readServiceName(eds: WireReader): string {
  let name = "";
  while (eds.next()) {
    if (eds.field === 2) name = eds.string();
    else eds.skip();
  }
  return name;
}

/** Name of a resource whose first field it is: ClusterLoadAssignment, Listener. */
export function nameOf(any: WireReader): string {
  while (any.next()) {
    if (any.field !== 2) {
      any.skip();
      continue;
    }
    const resource = any.message();
    while (resource.next()) {
      if (resource.field === 1) return resource.string();
      resource.skip();
    }
  }
  return "";
}

/** A list of extensions of about this many bytes, as the fields of a Node. */
export function encodeExtensions(bytes: number): Buffer {
  const parts: Buffer[] = [];
  for (let left = bytes, at = 0; left > 0; at++) {
    const extension = field(9, field(1, Buffer.from(`envoy.filters.http.simulated_extension_number_${at}`)));
    parts.push(extension);
    left -= extension.byteLength;
  }
  return Buffer.concat(parts);
}

/** `envoy.config.core.v3.Node` from its JSON in a bootstrap. */
export function encodeNode(node: NodeJson, extensions: Buffer): Buffer {
  const { id, cluster = "", metadata = {} } = node;
  const own = [field(1, Buffer.from(id)), field(2, Buffer.from(cluster)), field(3, struct(metadata))];
  return Buffer.concat([...own, extensions]);
}

export interface NodeJson {
  readonly id: string;
  readonly cluster?: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** `google.protobuf.Struct`. */
function struct(json: Readonly<Record<string, unknown>>): Buffer {
  return Buffer.concat(
    Object.entries(json).map(([key, each]) =>
      field(1, Buffer.concat([field(1, Buffer.from(key)), field(2, value(each))])),
    ),
  );
}

function value(json: unknown): Buffer {
  if (typeof json === "string") return field(3, Buffer.from(json));
  if (typeof json === "boolean") return Buffer.from([4 << 3, json ? 1 : 0]);
  if (typeof json === "number") {
    const bytes = Buffer.alloc(9);
    bytes[0] = (2 << 3) | 1;
    bytes.writeDoubleLE(json, 1);
    return bytes;
  }
  if (Array.isArray(json)) return field(6, Buffer.concat(json.map((each) => field(1, value(each)))));
  if (typeof json === "object" && json !== null) return field(5, struct(json as Record<string, unknown>));
  return Buffer.from([1 << 3, 0]);
}

function typeFields(number: number): Readonly<Record<XdsType, Buffer>> {
  return Object.fromEntries(
    Object.entries(TYPE_URL).map(([type, url]) => [type, field(number, Buffer.from(url))]),
  ) as Record<XdsType, Buffer>;
}

/** Tag, length and content. */
function field(number: number, content: Buffer): Buffer {
  const head = [(number << 3) | 2];
  let rest = content.byteLength;
  for (; rest > 0x7f; rest >>>= 7) head.push((rest & 0x7f) | 0x80);
  head.push(rest);
  return Buffer.concat([Buffer.from(head), content]);
}
