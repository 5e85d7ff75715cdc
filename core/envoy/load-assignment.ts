import { SERVICE_TAG, type Tags, tagOf } from "../model/dataplane/access.ts";
import type { Endpoint } from "../view/endpoint.ts";
import { encodeResource } from "./encode.ts";
import type { EncodedResource } from "./encoded-resource.ts";
import { ReverseWriter } from "./wire.ts";

/** With Envoy's own 1.4, one healthy endpoint beside a degraded one would leave the degraded one 29 % of the traffic. */
const OVERPROVISIONING_FACTOR = 1_000_000;

/** `envoy.config.core.v3.HealthStatus`. */
const HEALTH_STATUS = { healthy: 1, degraded: 5 } as const;

/** Field numbers, by message. The test compares every byte with what the generated messages give. */
const ASSIGNMENT = { clusterName: 1, endpoints: 2, policy: 4 } as const;
const POLICY = { overprovisioningFactor: 3 } as const;
const LOCALITY_ENDPOINTS = { locality: 1, lbEndpoints: 2 } as const;
const LOCALITY = { zone: 2 } as const;
const LB_ENDPOINT = { endpoint: 1, healthStatus: 2, metadata: 3, loadBalancingWeight: 4 } as const;
const ENDPOINT = { address: 1 } as const;
const ADDRESS = { socketAddress: 1 } as const;
const SOCKET_ADDRESS = { address: 2, portValue: 3 } as const;
const METADATA = { filterMetadata: 1 } as const;
const STRUCT = { fields: 1 } as const;
const VALUE = { stringValue: 3 } as const;
const MAP_ENTRY = { key: 1, value: 2 } as const;
/** `google.protobuf.UInt32Value`. */
const WRAPPER = { value: 1 } as const;

const writer = new ReverseWriter();
const endpointWriter = new ReverseWriter();

/** An assignment is built anew when one of its endpoints changes; the bytes of the others are kept. */
const encodedEndpoints = new WeakMap<Endpoint, Uint8Array>();

/**
 * Builds and encodes the ClusterLoadAssignment of a cluster (contract, section 4.8) from the endpoints of its service,
 * which come sorted. `subset`: only endpoints that carry all of these tags; `*` stands for any value. This is what runs
 * on every endpoint change, so it is written by hand and needs no generated messages. No endpoints give an explicit
 * empty assignment: taking the resource away would leave Envoy with the endpoints it had.
 */
export function buildLoadAssignment(
  clusterName: string,
  endpoints: readonly Endpoint[],
  subset?: Tags,
): EncodedResource {
  const chosen = endpointsFor(endpoints, subset);
  const policyEnd = writer.mark();
  wrapper(writer, POLICY.overprovisioningFactor, OVERPROVISIONING_FACTOR);
  writer.frame(ASSIGNMENT.policy, policyEnd);
  for (let last = chosen.length - 1; last >= 0; ) {
    const zone = chosen[last]?.zone ?? "";
    const end = writer.mark();
    for (; last >= 0 && chosen[last]?.zone === zone; last--) {
      writer.bytes(LOCALITY_ENDPOINTS.lbEndpoints, encodeEndpoint(chosen[last] as Endpoint));
    }
    if (zone !== "") {
      const localityEnd = writer.mark();
      writer.text(LOCALITY.zone, zone);
      writer.frame(LOCALITY_ENDPOINTS.locality, localityEnd);
    }
    writer.frame(ASSIGNMENT.endpoints, end);
  }
  writer.text(ASSIGNMENT.clusterName, clusterName);
  return encodeResource("endpoint", clusterName, writer.take());
}

/** The endpoints of a service that its consumers are told, `subset` as for `buildLoadAssignment`. */
export function endpointsFor(endpoints: readonly Endpoint[], subset: Tags | undefined): readonly Endpoint[] {
  return distinct(subset ? endpoints.filter((endpoint) => matches(endpoint.tags, subset)) : endpoints);
}

function matches(tags: Tags, subset: Tags): boolean {
  return Object.entries(subset).every(([name, wanted]) => {
    const value = tagOf(tags, name);
    return value !== undefined && (wanted === "*" || wanted === value);
  });
}

/**
 * One endpoint for each address and port: Envoy would take the first of several, and that may be the proxy that was lost
 * when its successor under another name is already here. The healthy one stays.
 */
function distinct(endpoints: readonly Endpoint[]): readonly Endpoint[] {
  const best = new Map<string, Endpoint>();
  for (const endpoint of endpoints) {
    const key = `${endpoint.address} ${endpoint.port}`;
    const other = best.get(key);
    if (!other || (other.health === "degraded" && endpoint.health === "healthy")) best.set(key, endpoint);
  }
  if (best.size === endpoints.length) return endpoints;
  const kept = new Set(best.values());
  return endpoints.filter((endpoint) => kept.has(endpoint));
}

function encodeEndpoint(endpoint: Endpoint): Uint8Array {
  let bytes = encodedEndpoints.get(endpoint);
  if (!bytes) {
    writeEndpoint(endpointWriter, endpoint);
    bytes = endpointWriter.take();
    encodedEndpoints.set(endpoint, bytes);
  }
  return bytes;
}

function writeEndpoint(writer: ReverseWriter, endpoint: Endpoint): void {
  wrapper(writer, LB_ENDPOINT.loadBalancingWeight, 1);
  const metadataEnd = writer.mark();
  if (Object.keys(endpoint.labels).length > 0) metadata(writer, "io.kuma.labels", endpoint.labels);
  metadata(writer, "envoy.transport_socket_match", endpoint.tags, SERVICE_TAG);
  metadata(writer, "envoy.lb", endpoint.tags, SERVICE_TAG);
  writer.frame(LB_ENDPOINT.metadata, metadataEnd);
  writer.varint(LB_ENDPOINT.healthStatus, HEALTH_STATUS[endpoint.health]);
  const addressEnd = writer.mark();
  writer.varint(SOCKET_ADDRESS.portValue, endpoint.port);
  writer.text(SOCKET_ADDRESS.address, endpoint.address);
  writer.frame(ADDRESS.socketAddress, addressEnd);
  writer.frame(ENDPOINT.address, addressEnd);
  writer.frame(LB_ENDPOINT.endpoint, addressEnd);
}

function metadata(writer: ReverseWriter, key: string, values: Readonly<Record<string, string>>, except?: string): void {
  const end = writer.mark();
  for (const name of Object.keys(values).sort().reverse()) {
    if (name === except) continue;
    const fieldEnd = writer.mark();
    writer.text(VALUE.stringValue, values[name] as string);
    writer.frame(MAP_ENTRY.value, fieldEnd);
    writer.text(MAP_ENTRY.key, name);
    writer.frame(STRUCT.fields, fieldEnd);
  }
  writer.frame(MAP_ENTRY.value, end);
  writer.text(MAP_ENTRY.key, key);
  writer.frame(METADATA.filterMetadata, end);
}

function wrapper(writer: ReverseWriter, field: number, value: number): void {
  const end = writer.mark();
  writer.varint(WRAPPER.value, value);
  writer.frame(field, end);
}
