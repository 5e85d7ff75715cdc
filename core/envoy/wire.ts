const FIRST_SIZE = 16 * 1024;
const SHORT_TEXT = 64;
/** A larger buffer than this is not kept for the next message. */
const KEPT_SIZE = 1024 * 1024;

/**
 * Writes protobuf messages from their end to their beginning, so that the length of what is nested is known when its
 * frame is written and nothing is measured first. Fields are therefore given last to first, and a nested message is
 * closed by the frame that precedes it on the wire:
 *
 *     const end = writer.mark();
 *     writer.text(2, "inside, second field");
 *     writer.text(1, "inside, first field");
 *     writer.frame(5, end); // tag and length of field 5, which holds both
 *
 * Field numbers are below 16 (a tag is one byte), numbers below 2^31. One message at a time; `take` begins the next.
 */
export class ReverseWriter {
  #buffer = Buffer.allocUnsafeSlow(FIRST_SIZE);
  #at = FIRST_SIZE;

  /** Bytes written so far: the end of what is written next. */
  mark(): number {
    return this.#buffer.length - this.#at;
  }

  varint(field: number, value: number): void {
    this.#number(value);
    this.#byte(field << 3);
  }

  /** An empty text is written too: leave out the call where proto3 leaves out the field. */
  text(field: number, text: string): void {
    const end = this.mark();
    if (!this.#shortAscii(text)) {
      const length = Buffer.byteLength(text);
      this.#reserve(length);
      this.#at -= length;
      this.#buffer.write(text, this.#at);
    }
    this.frame(field, end);
  }

  bytes(field: number, bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#at -= bytes.length;
    this.#buffer.set(bytes, this.#at);
    this.#frame(field, bytes.length);
  }

  /** Puts everything written since `end` into a length-delimited field. */
  frame(field: number, end: number): void {
    this.#frame(field, this.mark() - end);
  }

  /**
   * A copy of the message in a buffer of its own (not of Node's pool, where a small resource that lives long keeps a whole
   * slab alive), and a fresh start.
   */
  take(): Buffer {
    const message = Buffer.allocUnsafeSlow(this.mark());
    this.#buffer.copy(message, 0, this.#at);
    if (this.#buffer.length > KEPT_SIZE) this.#buffer = Buffer.allocUnsafeSlow(FIRST_SIZE);
    this.#at = this.#buffer.length;
    return message;
  }

  /** Most texts are names of a few characters: copying them here is three times as fast as a call out of JavaScript. */
  #shortAscii(text: string): boolean {
    const { length } = text;
    if (length > SHORT_TEXT) return false;
    this.#reserve(length);
    const start = this.#at - length;
    for (let index = 0; index < length; index++) {
      const unit = text.charCodeAt(index);
      if (unit > 127) return false;
      this.#buffer[start + index] = unit;
    }
    this.#at = start;
    return true;
  }

  #frame(field: number, length: number): void {
    this.#number(length);
    this.#byte((field << 3) | 2);
  }

  #number(value: number): void {
    let size = 1;
    for (let rest = value; rest > 127; rest >>>= 7) size++;
    this.#reserve(size);
    this.#at -= size;
    let at = this.#at;
    let rest = value;
    for (; rest > 127; rest >>>= 7) this.#buffer[at++] = (rest & 127) | 128;
    this.#buffer[at] = rest;
  }

  #byte(value: number): void {
    this.#reserve(1);
    this.#buffer[--this.#at] = value;
  }

  #reserve(size: number): void {
    if (this.#at >= size) return;
    const used = this.mark();
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, used + size));
    this.#buffer.copy(larger, larger.length - used, this.#at);
    this.#buffer = larger;
    this.#at = larger.length - used;
  }
}
