/** Larger than any batch of Envoy: 16 KB and one entry. */
const MAX_MESSAGE_BYTES = 1024 * 1024;

/**
 * Cuts a stream of bytes into gRPC messages. False when it is none: compressed, which was not agreed on, or too large. Most
 * messages lie within one chunk and are views of it.
 */
export function createMessageSplitter(onMessage: (message: Buffer) => void): { push(chunk: Buffer): boolean } {
  let rest: Buffer = Buffer.alloc(0);
  return {
    push(chunk) {
      let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      while (bytes.length >= 5) {
        const length = bytes.readUInt32BE(1);
        if (bytes[0] !== 0 || length > MAX_MESSAGE_BYTES) return false;
        if (bytes.length < 5 + length) break;
        onMessage(bytes.subarray(5, 5 + length));
        bytes = bytes.subarray(5 + length);
      }
      rest = bytes;
      return true;
    },
  };
}

/** One message as it goes over the wire. */
export function buildGrpcMessage(text: string): Buffer {
  const message = Buffer.alloc(5 + Buffer.byteLength(text));
  message.writeUInt32BE(message.length - 5, 1);
  message.write(text, 5);
  return message;
}
