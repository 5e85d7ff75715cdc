import { fromBinary } from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";

/**
 * Envoy carries the serialized descriptor of every message it knows. Reading them out of the pinned binary gives exactly
 * the API of the Envoy that is shipped, with no second thing to pin.
 *
 * A serialized FileDescriptorProto begins with field 1 (its name): 0x0a, a length, `….proto`, and goes on with field 2
 * (its package): 0x12. From there the top-level fields are walked until one cannot belong to it.
 */
export function scanDescriptors(binary: Buffer): Map<string, FileDescriptorProto> {
  const found = new Map<string, FileDescriptorProto>();
  const suffix = Buffer.from(".proto\x12", "latin1");
  for (let at = binary.indexOf(suffix); at !== -1; at = binary.indexOf(suffix, at + 1)) {
    const nameEnd = at + suffix.length - 1;
    const start = nameStart(binary, nameEnd);
    if (start === undefined) continue;
    const end = messageEnd(binary, start);
    const file = parse(binary.subarray(start, end));
    if (file && !found.has(file.name)) found.set(file.name, file);
  }
  return found;
}

/** Offset of the 0x0a whose length byte spans exactly to `nameEnd`. Names are shorter than 128 bytes, so the length is one byte. */
function nameStart(binary: Buffer, nameEnd: number): number | undefined {
  for (let length = ".proto".length + 1; length < 128; length++) {
    const start = nameEnd - length - 2;
    if (start < 0) return undefined;
    if (binary[start] === 0x0a && binary[start + 1] === length) {
      const name = binary.toString("latin1", start + 2, nameEnd);
      if (/^[a-z0-9_/.-]+\.proto$/.test(name)) return start;
    }
  }
  return undefined;
}

const FIELDS = new Set([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14]);

/** Walks known fields of a FileDescriptorProto; `syntax` (12) is the last one protoc writes. */
function messageEnd(binary: Buffer, start: number): number {
  let at = start;
  let names = 0;
  for (;;) {
    const tag = varint(binary, at);
    if (!tag) return at;
    const field = tag.value >>> 3;
    const wire = tag.value & 7;
    if (!FIELDS.has(field) || (wire !== 0 && wire !== 2)) return at;
    if (field === 1 && ++names > 1) return at;
    const next = varint(binary, tag.end);
    if (!next) return at;
    const end = wire === 0 ? next.end : next.end + next.value;
    if (end > binary.length) return at;
    at = end;
    if (field === 12) return at;
  }
}

function varint(binary: Buffer, at: number): { value: number; end: number } | undefined {
  let value = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = binary[at++];
    if (byte === undefined) return undefined;
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return { value, end: at };
  }
  return undefined;
}

function parse(bytes: Buffer): FileDescriptorProto | undefined {
  try {
    const file = fromBinary(FileDescriptorProtoSchema, bytes);
    return file.name.endsWith(".proto") ? file : undefined;
  } catch {
    return undefined;
  }
}

/** The roots and all they import, imports first. Throws with the names of those that are missing. */
export function closureOf(
  roots: readonly string[],
  files: ReadonlyMap<string, FileDescriptorProto>,
): FileDescriptorProto[] {
  const ordered = new Map<string, FileDescriptorProto>();
  const missing = new Set<string>();
  const visit = (name: string) => {
    if (ordered.has(name) || missing.has(name)) return;
    const file = files.get(name);
    if (!file) {
      missing.add(name);
      return;
    }
    for (const dependency of file.dependency) visit(dependency);
    ordered.set(name, file);
  };
  for (const root of roots) visit(root);
  if (missing.size > 0) throw new Error(`not in the Envoy binary: ${[...missing].sort().join(", ")}`);
  return [...ordered.values()];
}
