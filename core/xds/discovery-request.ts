import { WireReader } from "./wire-reader.ts";

/**
 * What a state-of-the-world request says (`envoy.service.discovery.v3.DiscoveryRequest`). `node` and `names` are views
 * of the request: use them at once or not at all.
 */
export interface DiscoveryRequest {
  /** The encoded Node; undefined when the request has none. */
  readonly node: Uint8Array | undefined;
  readonly typeUrl: string;
  /** Empty in the first request of a type. */
  readonly nonce: string;
  /** The message of `error_detail`: the client refused the response with this nonce. */
  readonly error: string | undefined;
  /** The `resource_names` fields as they came. Each ACK repeats them all, so equal bytes spare decoding them again. */
  readonly names: Uint8Array;
}

export function readDiscoveryRequest(bytes: Uint8Array): DiscoveryRequest {
  const reader = new WireReader(bytes);
  let node: Uint8Array | undefined;
  let typeUrl = "";
  let nonce = "";
  let error: string | undefined;
  const names: Uint8Array[] = [];
  let namesStart = -1;
  let namesEnd = -1;
  const closeNames = () => {
    if (namesStart >= 0) names.push(bytes.subarray(namesStart, namesEnd));
    namesStart = -1;
  };
  while (reader.next()) {
    if (reader.field === 3) {
      if (namesStart < 0) namesStart = reader.fieldStart;
      reader.skip();
      namesEnd = reader.position;
      continue;
    }
    closeNames();
    switch (reader.field) {
      case 2:
        node = reader.bytes();
        break;
      case 4:
        typeUrl = reader.string();
        break;
      case 5:
        nonce = reader.string();
        break;
      case 6:
        error = readStatusMessage(reader.message());
        break;
      default:
        reader.skip();
    }
  }
  closeNames();
  return { node, typeUrl, nonce, error, names: names.length === 1 ? (names[0] as Uint8Array) : Buffer.concat(names) };
}

/** Decodes `DiscoveryRequest.names`. */
export function readNames(names: Uint8Array): string[] {
  const reader = new WireReader(names);
  const result: string[] = [];
  while (reader.next()) result.push(reader.string());
  return result;
}

/** `google.rpc.Status`: its message; the code when there is none. */
export function readStatusMessage(reader: WireReader): string {
  let code = 0;
  let message = "";
  while (reader.next()) {
    if (reader.field === 1) code = reader.uint();
    else if (reader.field === 2) message = reader.string();
    else reader.skip();
  }
  return message === "" ? `refused with status ${code}` : message;
}
