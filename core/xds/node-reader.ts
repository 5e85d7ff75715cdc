import type { StreamNode } from "./stream-events.ts";
import { readStruct } from "./struct-reader.ts";
import { WireReader } from "./wire-reader.ts";

/** Reads what we use of `envoy.config.core.v3.Node`; locality and the 60 KB of extensions are skipped. */
export function readNode(bytes: Uint8Array): StreamNode {
  const reader = new WireReader(bytes);
  let id = "";
  let cluster = "";
  let metadata: Record<string, unknown> = {};
  let userAgentVersion = "";
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        id = reader.string();
        break;
      case 2:
        cluster = reader.string();
        break;
      case 3:
        metadata = readStruct(reader.message());
        break;
      case 7:
        userAgentVersion = reader.string();
        break;
      case 8:
        userAgentVersion = readBuildVersion(reader.message());
        break;
      default:
        reader.skip();
    }
  }
  return { id, cluster, metadata, userAgentVersion };
}

/** Only the id: for the check that later messages of a stream speak for the same proxy. */
export function readNodeId(bytes: Uint8Array): string {
  const reader = new WireReader(bytes);
  let id = "";
  while (reader.next()) {
    if (reader.field === 1) id = reader.string();
    else reader.skip();
  }
  return id;
}

/** `BuildVersion.version`, a SemanticVersion, as `1.40.0`. */
function readBuildVersion(reader: WireReader): string {
  const parts = [0, 0, 0];
  while (reader.next()) {
    if (reader.field !== 1) {
      reader.skip();
      continue;
    }
    const version = reader.message();
    while (version.next()) {
      if (version.field >= 1 && version.field <= 3) parts[version.field - 1] = version.uint();
      else version.skip();
    }
  }
  return parts.join(".");
}
