import { TYPE_URL, XDS_TYPES, type XdsType } from "../envoy/encoded-resource.ts";
import type { Channel } from "./channel.ts";
import { DeltaChannel } from "./delta-channel.ts";
import { type DeltaDiscoveryRequest, readDeltaDiscoveryRequest } from "./delta-discovery-request.ts";
import { type DiscoveryRequest, readDiscoveryRequest } from "./discovery-request.ts";
import { createResponseEncoder, type Variant } from "./discovery-response.ts";
import { SotwFullChannel } from "./sotw-full-channel.ts";
import { SotwPartialChannel } from "./sotw-partial-channel.ts";

/**
 * Largest message of a delta stream, resources that are larger by themselves aside. A call writes it in pieces, so that a
 * connection needs no larger buffers than for one TLS record; half of it would cost twice as many answers.
 */
export const DELTA_PART_BYTES = 31 * 1024;
/** The same for endpoints, secrets and routes of a state-of-the-world stream, where each part waits for the answer to the last. */
export const SOTW_PART_BYTES = 64 * 1024;

type AnyRequest = DiscoveryRequest | DeltaDiscoveryRequest;

/** One channel for each type, and how to read the requests of the variant. */
export interface ChannelSet<Request extends AnyRequest = AnyRequest> {
  readonly of: Readonly<Record<XdsType, Channel<Request>>>;
  read(bytes: Uint8Array): Request;
}

/** Encoders hold the identifier's bytes; one per variant serves every stream of a control plane. */
export function createChannelFactory(identifier: string): (variant: Variant) => ChannelSet {
  const sotw = createResponseEncoder("sotw", identifier);
  const delta = createResponseEncoder("delta", identifier);
  return (variant) => (variant === "delta" ? deltaChannels(delta) : sotwChannels(sotw));
}

function deltaChannels(encoder: ReturnType<typeof createResponseEncoder>): ChannelSet {
  const of = forEachType<DeltaDiscoveryRequest>((type) => new DeltaChannel(type, encoder, DELTA_PART_BYTES));
  return { of, read: readDeltaDiscoveryRequest } as ChannelSet;
}

function sotwChannels(encoder: ReturnType<typeof createResponseEncoder>): ChannelSet {
  const of = forEachType<DiscoveryRequest>((type) =>
    type === "cluster" || type === "listener"
      ? new SotwFullChannel(type, encoder)
      : new SotwPartialChannel(type, encoder, SOTW_PART_BYTES),
  );
  return { of, read: readDiscoveryRequest } as ChannelSet;
}

function forEachType<Request>(make: (type: XdsType) => Channel<Request>): Record<XdsType, Channel<Request>> {
  return Object.fromEntries(XDS_TYPES.map((type) => [type, make(type)])) as Record<XdsType, Channel<Request>>;
}

const TYPE_OF_URL: ReadonlyMap<string, XdsType> = new Map(XDS_TYPES.map((type) => [TYPE_URL[type], type]));

/** The type behind a type URL; undefined for types that are not served (runtime, extension configs, …). */
export function typeOfUrl(url: string): XdsType | undefined {
  return TYPE_OF_URL.get(url);
}
