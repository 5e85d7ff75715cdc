import { MeshError } from "../kernel/errors.ts";
import type { WireReader } from "./wire-reader.ts";

/** Deeper metadata than this is refused: it could exhaust the stack. */
const MAX_DEPTH = 64;

/** Reads a `google.protobuf.Struct` as plain JSON. Numbers that JSON cannot hold (NaN, infinities) become null. */
export function readStruct(reader: WireReader, depth = 0): Record<string, unknown> {
  if (depth > MAX_DEPTH) throw new MeshError("MM400", `the node metadata is nested deeper than ${MAX_DEPTH} levels`);
  const entries: [string, unknown][] = [];
  while (reader.next()) {
    if (reader.field === 1) entries.push(readEntry(reader.message(), depth));
    else reader.skip();
  }
  // fromEntries defines properties, so that a key such as __proto__ stays data.
  return Object.fromEntries(entries);
}

function readEntry(reader: WireReader, depth: number): [string, unknown] {
  let key = "";
  let value: unknown = null;
  while (reader.next()) {
    if (reader.field === 1) key = reader.string();
    else if (reader.field === 2) value = readValue(reader.message(), depth);
    else reader.skip();
  }
  return [key, value];
}

function readValue(reader: WireReader, depth: number): unknown {
  let value: unknown = null;
  while (reader.next()) {
    switch (reader.field) {
      case 2: {
        const number = reader.double();
        value = Number.isFinite(number) ? number : null;
        break;
      }
      case 3:
        value = reader.string();
        break;
      case 4:
        value = reader.bool();
        break;
      case 5:
        value = readStruct(reader.message(), depth + 1);
        break;
      case 6:
        value = readList(reader.message(), depth + 1);
        break;
      default:
        reader.skip();
        value = null;
    }
  }
  return value;
}

function readList(reader: WireReader, depth: number): unknown[] {
  if (depth > MAX_DEPTH) throw new MeshError("MM400", `the node metadata is nested deeper than ${MAX_DEPTH} levels`);
  const items: unknown[] = [];
  while (reader.next()) {
    if (reader.field === 1) items.push(readValue(reader.message(), depth));
    else reader.skip();
  }
  return items;
}
