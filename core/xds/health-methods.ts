import type { ServeCall } from "../grpc/grpc-server.ts";
import type { Clock } from "../kernel/clock.ts";
import { MeshError } from "../kernel/errors.ts";
import { HEALTH_METHOD, healthFromText } from "../model/dataplane/sidecar-health.ts";
import { INCARNATION_KEY } from "../model/incarnation.ts";
import { readHdsNode, readHdsReport } from "./hds-messages.ts";
import { createHealthProtocol } from "./health-protocol.ts";
import { serveCall } from "./serve-call.ts";
import type { StreamEvents, StreamNode } from "./stream-events.ts";

const HDS_METHOD = "/envoy.service.health.v3.HealthDiscoveryService/StreamHealthCheck";

export interface HealthMethodsDeps {
  readonly clock: Clock;
  readonly events: Pick<StreamEvents, "openHds" | "openHealth">;
}

/** The methods of HDS v3 (contract, section 5), if it is served, and of the health stream of our own sidecar (docs/wire.md). */
export function healthMethods({ clock, events }: HealthMethodsDeps): Readonly<Record<string, ServeCall>> {
  const { openHds, openHealth } = events;
  const hds = openHds && ({ service: "hds", readNode: readHdsNode, readReport: readHdsReport, open: openHds } as const);
  const health = {
    service: "health",
    readNode: readSidecarNode,
    readReport: (message: Uint8Array) => healthFromText(textOf(message)),
    open: openHealth,
  } as const;
  return {
    ...(hds ? { [HDS_METHOD]: (call) => serveCall(call, createHealthProtocol(hds), clock) } : {}),
    [HEALTH_METHOD]: (call) => serveCall(call, createHealthProtocol(health), clock),
  };
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
