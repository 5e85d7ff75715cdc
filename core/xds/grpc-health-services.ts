import type { Server } from "@grpc/grpc-js";
import { MeshError } from "../kernel/errors.ts";
import { HEALTH_METHOD, healthFromText } from "../model/dataplane/sidecar-health.ts";
import { INCARNATION_KEY } from "../model/incarnation.ts";
import { type GrpcCallDeps, type RawCall, rawMethod, serveCall } from "./grpc-call.ts";
import { readHdsNode, readHdsReport } from "./hds-messages.ts";
import { createHealthProtocol } from "./health-protocol.ts";
import type { StreamEvents, StreamNode } from "./stream-events.ts";

const HDS_METHOD = "/envoy.service.health.v3.HealthDiscoveryService/StreamHealthCheck";

export interface HealthServicesDeps extends GrpcCallDeps {
  readonly events: Pick<StreamEvents, "openHds" | "openHealth">;
}

/** Adds HDS v3 (contract, section 5), if it is served, and the health stream of our own sidecar (docs/wire.md). */
export function addHealthServices(server: Server, deps: HealthServicesDeps): void {
  const { openHds, openHealth } = deps.events;
  if (openHds) {
    const hds = { service: "hds", readNode: readHdsNode, readReport: readHdsReport, open: openHds } as const;
    server.addService(
      { StreamHealthCheck: rawMethod(HDS_METHOD) },
      { StreamHealthCheck: (call: RawCall) => serveCall(call, createHealthProtocol(hds), deps) },
    );
  }
  const health = {
    service: "health",
    readNode: readSidecarNode,
    readReport: (message: Uint8Array) => healthFromText(textOf(message)),
    open: openHealth,
  } as const;
  server.addService(
    { StreamHealth: rawMethod(HEALTH_METHOD) },
    { StreamHealth: (call: RawCall) => serveCall(call, createHealthProtocol(health), deps) },
  );
}

/** The first message of our sidecar says who it is beside what it reports. */
function readSidecarNode(first: Uint8Array): StreamNode | undefined {
  let json: unknown;
  try {
    json = JSON.parse(textOf(first));
  } catch (cause) {
    throw new MeshError("MM400", `the first message is not JSON: ${(cause as Error).message}`);
  }
  const { node, incarnation } = (json ?? {}) as Record<string, unknown>;
  if (typeof node !== "string" || typeof incarnation !== "string") return undefined;
  return { id: node, cluster: "", metadata: { [INCARNATION_KEY]: incarnation }, userAgentVersion: "" };
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
}
