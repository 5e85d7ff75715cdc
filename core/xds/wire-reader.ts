import { MeshError } from "../kernel/errors.ts";

/** Wire types of protobuf that Envoy uses; groups are long gone. */
const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;
const FIXED32 = 5;

/**
 * A cursor over the fields of one protobuf message. Requests are read by hand because Envoy's node is 61 KB and we need
 * a tenth of it: what is not asked for is skipped without being decoded. `bytes()` and `message()` give views, strings
 * are copies; keep no view longer than the call that got it, or the whole request stays in memory.
 */
export class WireReader {
  readonly #bytes: Buffer;
  readonly #end: number;
  #at: number;
  #wireType = VARINT;
  #fieldStart: number;
  /** Number of the field that `next` stepped on. */
  field = 0;

  constructor(bytes: Uint8Array, start = 0, end = bytes.byteLength) {
    this.#bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = start;
    this.#fieldStart = start;
    this.#end = end;
  }

  /** Where the present field begins, its tag included. */
  get fieldStart(): number {
    return this.#fieldStart;
  }

  /** Position behind what was read last. */
  get position(): number {
    return this.#at;
  }

  /** Steps to the next field; false at the end. Throws MM400 on bytes that are no protobuf message. */
  next(): boolean {
    if (this.#at >= this.#end) return false;
    this.#fieldStart = this.#at;
    const tag = this.#varint();
    this.field = Math.floor(tag / 8);
    this.#wireType = tag % 8;
    if (this.field === 0) throw malformed();
    return true;
  }

  skip(): void {
    switch (this.#wireType) {
      case VARINT:
        this.#varint();
        return;
      case FIXED64:
        this.#advance(8);
        return;
      case LENGTH:
        this.#advance(this.#varint());
        return;
      case FIXED32:
        this.#advance(4);
        return;
      default:
        throw malformed();
    }
  }

  string(): string {
    const [start, end] = this.#range();
    return this.#bytes.toString("utf8", start, end);
  }

  /** A view of the field's content. */
  bytes(): Uint8Array {
    const [start, end] = this.#range();
    return this.#bytes.subarray(start, end);
  }

  /** A reader of the message in this field. */
  message(): WireReader {
    const [start, end] = this.#range();
    return new WireReader(this.#bytes, start, end);
  }

  /** A non-negative integer; exact up to 2^53. */
  uint(): number {
    this.#expect(VARINT);
    return this.#varint();
  }

  bool(): boolean {
    return this.uint() !== 0;
  }

  double(): number {
    this.#expect(FIXED64);
    const at = this.#at;
    this.#advance(8);
    return this.#bytes.readDoubleLE(at);
  }

  #range(): [number, number] {
    this.#expect(LENGTH);
    const length = this.#varint();
    const start = this.#at;
    this.#advance(length);
    return [start, this.#at];
  }

  #expect(wireType: number): void {
    if (this.#wireType !== wireType) throw malformed();
  }

  #advance(count: number): void {
    if (count > this.#end - this.#at) throw malformed();
    this.#at += count;
  }

  #varint(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 10; count++) {
      if (this.#at >= this.#end) throw malformed();
      const byte = this.#bytes[this.#at++] as number;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw malformed();
  }
}

function malformed(): MeshError {
  return new MeshError("MM400", "the message is not valid protobuf");
}
