/** Before each message: a byte that says whether it is compressed, and its length in four. */
const HEAD = 5;
/** Longer messages are not the control plane's. */
const MAX_MESSAGE = 4 * 1024 * 1024;

/** One message as gRPC frames it. */
export function frameOf(text: string): Buffer {
  const frame = Buffer.alloc(HEAD + Buffer.byteLength(text));
  frame.writeUInt32BE(frame.length - HEAD, 1);
  frame.write(text, HEAD);
  return frame;
}

/** Puts messages together from the bytes of a stream. */
export class FrameReader {
  #pending = Buffer.alloc(0);

  /** The messages that are whole now. Throws when the bytes cannot be gRPC's. */
  take(chunk: Buffer): string[] {
    this.#pending = Buffer.concat([this.#pending, chunk]);
    const messages: string[] = [];
    while (this.#pending.length >= HEAD) {
      const end = HEAD + this.#pending.readUInt32BE(1);
      if (this.#pending[0] !== 0 || end > MAX_MESSAGE) throw new Error("the stream holds no messages of gRPC");
      if (this.#pending.length < end) break;
      messages.push(this.#pending.toString("utf8", HEAD, end));
      this.#pending = this.#pending.subarray(end);
    }
    return messages;
  }
}
