import { DATAPLANE_PRESENCE, type EndpointUse, type PresenceSpec } from "../../../core/model/dataplane-presence.ts";
import type { Resource, ResourceDraft } from "../../../core/model/resource.ts";
import { DATAPLANE, type DataplaneSpec, type Inbound, type Outbound } from "../../../core/model/types/dataplane.ts";
import { MESH, type MeshSpec } from "../../../core/model/types/mesh.ts";
import type { Change } from "../../../core/store/resource-store.ts";

type InboundInit = { readonly [K in keyof Inbound]?: Inbound[K] | undefined } & { readonly service?: string };

export interface DataplaneInit {
  readonly mesh?: string;
  readonly address?: string;
  readonly advertisedAddress?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly inbound?: readonly InboundInit[];
  /** A service name stands for an outbound to it on a port of its own. */
  readonly outbound?: readonly (string | Outbound)[];
}

export function dataplane(name: string, init: DataplaneInit = {}): ResourceDraft<DataplaneSpec> {
  const { mesh = "default", address = "192.168.0.1", advertisedAddress, labels = {} } = init;
  const inbound = (init.inbound ?? []).map(({ service, tags, ...rest }): Inbound => {
    const all = { ...(service ? { "kuma.io/service": service } : {}), "kuma.io/zone": "default", ...tags };
    return { port: 80, ...rest, tags: all } as Inbound;
  });
  const outbound = (init.outbound ?? []).map(
    (each, index): Outbound =>
      typeof each === "string" ? { port: 10_000 + index, tags: { "kuma.io/service": each } } : each,
  );
  const networking = { address, inbound, outbound, ...(advertisedAddress ? { advertisedAddress } : {}) };
  return { type: DATAPLANE, mesh, name, labels, spec: { networking } };
}

export function presence(
  name: string,
  endpoints: EndpointUse,
  more: { readonly mesh?: string; readonly notReady?: readonly number[] } = {},
): ResourceDraft<PresenceSpec> {
  const state = endpoints === "healthy" ? "connected" : endpoints === "degraded" ? "lost" : "leaving";
  const spec: PresenceSpec = {
    state,
    since: 0,
    reason: "a test",
    endpoints,
    notReady: more.notReady ?? [],
    incarnation: "one",
    displaced: [],
    instance: "cp",
    epoch: 1,
    open: true,
    peer: "127.0.0.1",
    lifecycle: "direct",
    ownsDataplane: true,
    lastSeen: 0,
    lastSeenObserved: 0,
  };
  return { type: DATAPLANE_PRESENCE, mesh: more.mesh ?? "default", name, labels: {}, spec };
}

export function mesh(name: string, spec: MeshSpec = {}): ResourceDraft<MeshSpec> {
  return { type: MESH, mesh: "", name, labels: {}, spec };
}

/** Turns drafts into a row of changes with growing revisions, as a store would. */
export class Changes {
  #revision = 0;

  put(draft: ResourceDraft): Change {
    return { revision: ++this.#revision, op: "put", resource: this.#stored(draft) };
  }

  delete(draft: ResourceDraft): Change {
    return { revision: ++this.#revision, op: "delete", resource: { ...this.#stored(draft), revision: 0 } };
  }

  #stored(draft: ResourceDraft): Resource {
    return { ...draft, creationTime: 0, modificationTime: 0, version: 1, revision: this.#revision };
  }
}
