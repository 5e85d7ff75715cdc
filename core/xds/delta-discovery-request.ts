import { readStatusMessage } from "./discovery-request.ts";
import { WireReader } from "./wire-reader.ts";

/** What a delta request says (`envoy.service.discovery.v3.DeltaDiscoveryRequest`). `node` is a view of the request. */
export interface DeltaDiscoveryRequest {
  readonly node: Uint8Array | undefined;
  readonly typeUrl: string;
  /** Empty when the request answers nothing. */
  readonly nonce: string;
  readonly error: string | undefined;
  readonly subscribe: readonly string[];
  readonly unsubscribe: readonly string[];
  /** Name to version of what the client holds; only in the first request of a type on a stream. */
  readonly initialVersions: ReadonlyMap<string, string>;
}

export function readDeltaDiscoveryRequest(bytes: Uint8Array): DeltaDiscoveryRequest {
  const reader = new WireReader(bytes);
  let node: Uint8Array | undefined;
  let typeUrl = "";
  let nonce = "";
  let error: string | undefined;
  const subscribe: string[] = [];
  const unsubscribe: string[] = [];
  const initialVersions = new Map<string, string>();
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        node = reader.bytes();
        break;
      case 2:
        typeUrl = reader.string();
        break;
      case 3:
        subscribe.push(reader.string());
        break;
      case 4:
        unsubscribe.push(reader.string());
        break;
      case 5:
        readVersion(reader.message(), initialVersions);
        break;
      case 6:
        nonce = reader.string();
        break;
      case 7:
        error = readStatusMessage(reader.message());
        break;
      default:
        reader.skip();
    }
  }
  return { node, typeUrl, nonce, error, subscribe, unsubscribe, initialVersions };
}

function readVersion(reader: WireReader, into: Map<string, string>): void {
  let name = "";
  let version = "";
  while (reader.next()) {
    if (reader.field === 1) name = reader.string();
    else if (reader.field === 2) version = reader.string();
    else reader.skip();
  }
  into.set(name, version);
}
