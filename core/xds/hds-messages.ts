import { readNode } from "./node-reader.ts";
import type { ClusterHealth, StreamNode } from "./stream-events.ts";
import { WireReader } from "./wire-reader.ts";

/** Values of `envoy.config.core.v3.HealthStatus` that count as healthy: UNKNOWN and HEALTHY (contract, section 5). */
const HEALTHY = new Set([0, 1]);

/** Fields of `envoy.service.health.v3.HealthCheckRequestOrEndpointHealthResponse`. */
const HEALTH_CHECK_REQUEST = 1;
const ENDPOINT_HEALTH_RESPONSE = 2;

/** The Node of a `HealthCheckRequest`; undefined for any other message. */
export function readHdsNode(message: Uint8Array): StreamNode | undefined {
  const request = fieldOf(new WireReader(message), HEALTH_CHECK_REQUEST);
  if (!request) return undefined;
  let node: StreamNode | undefined;
  while (request.next()) {
    if (request.field === 1) node = readNode(request.bytes());
    else request.skip();
  }
  return node;
}

/** The clusters of an `EndpointHealthResponse`; undefined for any other message. */
export function readHdsReport(message: Uint8Array): readonly ClusterHealth[] | undefined {
  const response = fieldOf(new WireReader(message), ENDPOINT_HEALTH_RESPONSE);
  if (!response) return undefined;
  const clusters: ClusterHealth[] = [];
  while (response.next()) {
    if (response.field === 2) clusters.push(readCluster(response.message()));
    // The flat list of endpoints says the same without names.
    else response.skip();
  }
  return clusters;
}

function fieldOf(reader: WireReader, field: number): WireReader | undefined {
  let found: WireReader | undefined;
  while (reader.next()) {
    if (reader.field === field) found = reader.message();
    else reader.skip();
  }
  return found;
}

/** `ClusterEndpointsHealth` -> `LocalityEndpointsHealth` -> `EndpointHealth`. */
function readCluster(reader: WireReader): ClusterHealth {
  let cluster = "";
  let healthy = true;
  while (reader.next()) {
    if (reader.field === 1) cluster = reader.string();
    else if (reader.field === 2) healthy = readLocality(reader.message()) && healthy;
    else reader.skip();
  }
  return { cluster, healthy };
}

function readLocality(reader: WireReader): boolean {
  let healthy = true;
  while (reader.next()) {
    if (reader.field === 2) healthy = readEndpoint(reader.message()) && healthy;
    else reader.skip();
  }
  return healthy;
}

function readEndpoint(reader: WireReader): boolean {
  let status = 0;
  while (reader.next()) {
    if (reader.field === 2) status = reader.uint();
    else reader.skip();
  }
  return HEALTHY.has(status);
}
