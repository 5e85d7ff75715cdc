import { type EncodedResource, TYPE_URL, XDS_TYPES, type XdsType } from "../envoy/encoded-resource.ts";

/** The two ways a client can speak ADS. */
export type Variant = "sotw" | "delta";

/** Turns already encoded resources into one response message. One encoder serves all streams of a variant. */
export interface ResponseEncoder {
  encode(
    type: XdsType,
    version: string,
    nonce: string,
    resources: Iterable<EncodedResource>,
    removed: readonly string[],
  ): Uint8Array;
}

/**
 * `DiscoveryResponse` and `DeltaDiscoveryResponse` differ in two field numbers only: the control plane (6, 7) and the
 * removed names (absent, 6). `identifier` is the control plane's instance id; `version` is informative, clients compare
 * nonces (and, with delta, the version of each resource, which is in its chunk).
 */
export function createResponseEncoder(variant: Variant, identifier: string): ResponseEncoder {
  const controlPlane = lengthField(variant === "sotw" ? 6 : 7, textField(1, identifier));
  const tails = Object.fromEntries(
    XDS_TYPES.map((type) => [type, Buffer.concat([textField(4, TYPE_URL[type]), controlPlane])]),
  ) as Record<XdsType, Buffer>;
  return {
    encode(type, version, nonce, resources, removed) {
      const chunks: Uint8Array[] = [textField(1, version)];
      for (const resource of resources) chunks.push(variant === "sotw" ? resource.sotwChunk : resource.deltaChunk);
      chunks.push(tails[type], textField(5, nonce));
      for (const name of removed) chunks.push(textField(6, name));
      return Buffer.concat(chunks);
    },
  };
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
