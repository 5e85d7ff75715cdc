/** A flag that says "not compressed" and the length, four bytes (gRPC over HTTP/2, "Length-Prefixed-Message"). */
const PREFIX_BYTES = 5;

const NOTHING = Buffer.alloc(0);

/** What a message may not be: compressed, which nobody agreed on, or larger than the limit. */
export type FramingProblem = "compressed" | "too large";

/** Cuts a stream of bytes into messages. */
export interface MessageSplitter {
  /** Calls back for each message that is complete. Undefined if all is well; after a problem the splitter is of no more use. */
  push(chunk: Buffer): FramingProblem | undefined;
}

/** Larger than any batch that an Envoy sends of its access log: 16 KB and one entry. */
const DEFAULT_LIMIT = 1024 * 1024;

/** Most messages lie within one chunk and are views of it; what is to be kept must be copied. `limit` in bytes, default 1 MB. */
export function createMessageSplitter(onMessage: (message: Buffer) => void, limit = DEFAULT_LIMIT): MessageSplitter {
  /** Chunks of a message that is not complete, and their length. */
  let parts: Buffer[] = [];
  let held = 0;
  /** Bytes that the next message takes, its prefix included; the prefix alone until that is known. */
  let needed = PREFIX_BYTES;
  return {
    push(chunk) {
      held += chunk.byteLength;
      if (held < needed) {
        parts.push(chunk);
        return undefined;
      }
      let bytes = parts.length === 0 ? chunk : Buffer.concat([...parts, chunk], held);
      while (bytes.byteLength >= PREFIX_BYTES) {
        const length = bytes.readUInt32BE(1);
        if (bytes[0] !== 0) return "compressed";
        if (length > limit) return "too large";
        needed = PREFIX_BYTES + length;
        if (bytes.byteLength < needed) break;
        onMessage(bytes.subarray(PREFIX_BYTES, needed));
        bytes = bytes.byteLength > needed ? bytes.subarray(needed) : NOTHING;
        needed = PREFIX_BYTES;
      }
      held = bytes.byteLength;
      parts = held === 0 ? [] : [bytes];
      return undefined;
    },
  };
}

/** The bytes of a message; of several chunks one after the other, which are sent without being copied together. */
export type GrpcMessage = Uint8Array | readonly Uint8Array[];

export function bytesOf(chunks: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const { byteLength } of chunks) bytes += byteLength;
  return bytes;
}

/** The chunks of a message with what goes in front of them. */
export function withPrefix(chunks: readonly Uint8Array[]): Uint8Array[] {
  const prefix = Buffer.allocUnsafe(PREFIX_BYTES);
  prefix[0] = 0;
  prefix.writeUInt32BE(bytesOf(chunks), 1);
  return [prefix, ...chunks];
}

/** One message as it goes over the wire. */
export function frameMessage(message: Uint8Array | string): Buffer {
  const bytes = typeof message === "string" ? Buffer.from(message) : message;
  return Buffer.concat(withPrefix([bytes]));
}

/** The same bytes in pieces of this many bytes at the most, each of whole chunks where they fit; without copying. */
export function toPieces(chunks: readonly Uint8Array[], most: number): (readonly Uint8Array[])[] {
  const pieces: Uint8Array[][] = [];
  let free = 0;
  for (const chunk of chunks) {
    for (let from = 0; from < chunk.byteLength; from += most) {
      const part = chunk.byteLength > most ? chunk.subarray(from, from + most) : chunk;
      if (part.byteLength > free) {
        pieces.push([]);
        free = most;
      }
      pieces.at(-1)?.push(part);
      free -= part.byteLength;
    }
  }
  return pieces;
}
