import { nearest } from "../../kernel/nearest.ts";
import { VERSION } from "../../kernel/runtime.ts";
import { outboundsOf, servicesOf } from "../../model/dataplane/access.ts";
import type { Resource, ResourceDraft } from "../../model/resource.ts";
import { resourceToJson } from "../../model/resource-json.ts";
import { type DataplaneSpec, dataplaneType } from "../../model/types/dataplane.ts";

/** The field `monomesh` of the answer to our own sidecar; stock ones do not get it. */
export interface MonomeshExtra {
  /** One start of one sidecar; also in the node metadata. */
  readonly incarnation: string;
  /** The control plane's clock, milliseconds since 1970. */
  readonly time: number;
  readonly instanceId: string;
  readonly version: string;
  /** Indirect: the Dataplane as it is stored. */
  readonly dataplane?: Readonly<Record<string, unknown>>;
  /** Services of outbounds that nobody offers, each with the nearest that somebody does; null when none is near. */
  readonly unknownServices: Readonly<Record<string, string | null>>;
}

export interface ExtraFacts {
  readonly incarnation: string;
  readonly time: number;
  readonly instanceId: string;
  readonly dataplane: ResourceDraft<DataplaneSpec>;
  /** Undefined for Direct, which knows its own. */
  readonly stored: Resource<DataplaneSpec> | undefined;
  /** Services that the mesh offers; undefined when that is not known. */
  readonly services: Iterable<string> | undefined;
}

export function buildMonomeshExtra({
  incarnation,
  time,
  instanceId,
  dataplane,
  stored,
  services,
}: ExtraFacts): MonomeshExtra {
  return {
    incarnation,
    time,
    instanceId,
    version: VERSION,
    ...(stored ? { dataplane: resourceToJson(dataplaneType, stored) } : {}),
    unknownServices: services ? unknownServices(dataplane.spec, services) : {},
  };
}

function unknownServices(dataplane: DataplaneSpec, services: Iterable<string>): Record<string, string | null> {
  const known = new Set([...services, ...servicesOf(dataplane)]);
  const wanted = outboundsOf(dataplane).flatMap(({ service }) => service ?? []);
  const unknown = [...new Set(wanted)].filter((service) => !known.has(service));
  return Object.fromEntries(unknown.map((service) => [service, nearest(service, known) ?? null]));
}
