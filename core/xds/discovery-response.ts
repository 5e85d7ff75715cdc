import { type EncodedResource, TYPE_URL, XDS_TYPES, type XdsType } from "../envoy/encoded-resource.ts";
import type { GrpcMessage } from "../grpc/framing.ts";

/** The two ways a client can speak ADS. */
export type Variant = "sotw" | "delta";

/** One response message, and the nonce that its acknowledgement will carry. */
export interface EncodedResponse {
  readonly message: GrpcMessage;
  readonly nonce: string;
}

/** Turns already encoded resources into response messages. One encoder serves all streams of a variant. */
export interface ResponseEncoder {
  /**
   * `version` says the version of the message when one has to be made; `previous` is the nonce of the stream's last response
   * of this type, and the new one differs from it.
   */
  encode(
    type: XdsType,
    resources: readonly EncodedResource[],
    removed: readonly string[],
    version: (resources: readonly EncodedResource[]) => string,
    previous: string,
  ): EncodedResponse;
}

interface Latest extends EncodedResponse {
  readonly resources: readonly EncodedResource[];
}

/**
 * `DiscoveryResponse` and `DeltaDiscoveryResponse` differ in two field numbers only: the control plane (6, 7) and the
 * removed names (absent, 6). `identifier` is the control plane's instance id; `version` is informative, clients compare
 * nonces (and, with delta, the version of each resource, which is in its chunk).
 *
 * Nonces count over all streams, since they only have to differ within one. So streams that are sent the same resources
 * one after the other, as after a change of endpoints, are sent the same message, made once. One with several resources is
 * left in chunks: what most sidecars need differs, and copies of it would be most of what a large mesh allocates.
 */
export function createResponseEncoder(variant: Variant, identifier: string): ResponseEncoder {
  const controlPlane = lengthField(variant === "sotw" ? 6 : 7, textField(1, identifier));
  const tails = Object.fromEntries(
    XDS_TYPES.map((type) => [type, Buffer.concat([textField(4, TYPE_URL[type]), controlPlane])]),
  ) as Record<XdsType, Buffer>;
  const latest = new Map<XdsType, Latest>();
  let lastNonce = 0;
  return {
    encode(type, resources, removed, version, previous) {
      const last = latest.get(type);
      if (last && removed.length === 0 && last.nonce !== previous && areSame(last.resources, resources)) return last;
      const nonce = String(++lastNonce);
      const chunks: Uint8Array[] = [textField(1, version(resources))];
      for (const resource of resources) chunks.push(variant === "sotw" ? resource.sotwChunk : resource.deltaChunk);
      chunks.push(Buffer.concat([tails[type], textField(5, nonce), ...removed.map((name) => textField(6, name))]));
      const response = { message: resources.length === 1 ? Buffer.concat(chunks) : chunks, nonce, resources };
      if (removed.length === 0) latest.set(type, response);
      return response;
    },
  };
}

function areSame(some: readonly EncodedResource[], others: readonly EncodedResource[]): boolean {
  return some.length === others.length && some.every((each, at) => each === others[at]);
}

function textField(field: number, text: string): Buffer {
  return lengthField(field, Buffer.from(text));
}

/** Tag, length and content; `field` is below 16. */
function lengthField(field: number, content: Buffer): Buffer {
  const head = [(field << 3) | 2];
  let rest = content.byteLength;
  while (rest > 0x7f) {
    head.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  head.push(rest);
  return Buffer.concat([Buffer.from(head), content]);
}
