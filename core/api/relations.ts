import { endpointsFor } from "../envoy/load-assignment.ts";
import { outboundTags, subsetTags } from "../envoy/names.ts";
import { outboundsOf, servicesOf } from "../model/dataplane/access.ts";
import type { DataplaneSpec } from "../model/dataplane/spec.ts";
import type { MeshView } from "../view/mesh-view.ts";

/** Names that are listed of whoever calls a proxy. */
const MOST_CALLERS = 1000;

/** Whom a proxy uses, and who uses it, as the picture of its mesh has it now. */
export interface Relations {
  readonly outbounds: readonly {
    readonly address: string;
    readonly port: number;
    readonly tags: Readonly<Record<string, string>>;
    /** Endpoints in normal use, and those that are used only when there is no other. */
    readonly healthy: number;
    readonly lastChoice: number;
  }[];
  /** Names of the Dataplanes with an outbound to one of its services, sorted. */
  readonly calledBy: readonly string[];
}

export function buildRelations(view: MeshView | undefined, name: string, dataplane: DataplaneSpec): Relations {
  const outbounds = outboundsOf(dataplane).map(({ address, port, service, tags }) => {
    const offered = (service !== undefined && view?.services.get(service)?.endpoints) || [];
    const endpoints = endpointsFor(offered, subsetTags(tags));
    const healthy = endpoints.filter((endpoint) => endpoint.health === "healthy").length;
    return { address, port, tags: outboundTags(tags), healthy, lastChoice: endpoints.length - healthy };
  });
  const callers = new Set(
    servicesOf(dataplane).flatMap((service) => [...(view?.services.get(service)?.consumers ?? [])]),
  );
  callers.delete(name);
  return { outbounds, calledBy: [...callers].sort().slice(0, MOST_CALLERS) };
}
