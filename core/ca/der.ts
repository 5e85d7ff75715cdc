// DER as far as certificates need it (X.690). Written here because a certificate then costs 0.4 ms; with asn1js it was
// 1.6 ms on the same machine, with @peculiar/asn1-x509 more, and 30 to 60 ms to load. Nothing untrusted is read with it.

const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  nothing: 0x05,
  objectId: 0x06,
} as const;
const STRUCTURE = { utf8String: 0x0c, utcTime: 0x17, generalizedTime: 0x18, sequence: 0x30, set: 0x31 } as const;
const CONTEXT = 0x80;
const CONSTRUCTED = 0x20;

/** A value with its tag and length. */
function encode(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const length = content.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([Uint8Array.of(tag), encodeLength(length), ...content]);
}

function encodeLength(length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(length);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest >>>= 8) bytes.unshift(rest & 0xff);
  return Uint8Array.of(0x80 | bytes.length, ...bytes);
}

export function derSequence(...parts: readonly Uint8Array[]): Buffer {
  return encode(STRUCTURE.sequence, ...parts);
}

/** A set of one member, as names have it; more would have to be sorted. */
export function derSet(member: Uint8Array): Buffer {
  return encode(STRUCTURE.set, member);
}

export function derTrue(): Buffer {
  return encode(TAG.boolean, Uint8Array.of(0xff));
}

export function derNull(): Buffer {
  return encode(TAG.nothing);
}

/** A positive integer, big-endian, whose first bit is 0 and first byte is not. */
export function derInteger(bytes: Uint8Array): Buffer {
  return encode(TAG.integer, bytes);
}

export function derBitString(bytes: Uint8Array, unusedBits = 0): Buffer {
  return encode(TAG.bitString, Uint8Array.of(unusedBits), bytes);
}

export function derOctetString(bytes: Uint8Array): Buffer {
  return encode(TAG.octetString, bytes);
}

/** An object identifier in dotted form. */
export function derObjectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return encode(TAG.objectId, Uint8Array.from([first * 40 + second, ...rest].flatMap(base128)));
}

export function derUtf8String(text: string): Buffer {
  return encode(STRUCTURE.utf8String, Buffer.from(text, "utf8"));
}

/** Milliseconds since 1970, cut to seconds: UTCTime until 2049, GeneralizedTime after it (RFC 5280, section 4.1.2.5). */
export function derTime(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/\.\d+Z$|[-:T]/g, "");
  const late = digits >= "2050";
  return encode(
    late ? STRUCTURE.generalizedTime : STRUCTURE.utcTime,
    Buffer.from(`${late ? digits : digits.slice(2)}Z`),
  );
}

/** `[number] EXPLICIT`. */
export function derTagged(number: number, content: Uint8Array): Buffer {
  return encode(CONTEXT | CONSTRUCTED | number, content);
}

/** `[number] IMPLICIT` of a primitive type. */
export function derImplicit(number: number, content: Uint8Array): Buffer {
  return encode(CONTEXT | number, content);
}

function base128(value: number): number[] {
  const bytes = [value & 0x7f];
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) bytes.unshift((rest & 0x7f) | 0x80);
  return bytes;
}

/** One value read from DER. */
export interface DerValue {
  readonly tag: number;
  readonly content: Uint8Array;
  /** Tag, length and content. */
  readonly encoded: Uint8Array;
}

/** The values that stand one after the other in these bytes. Throws when a length does not fit. */
export function readDer(bytes: Uint8Array): DerValue[] {
  const values: DerValue[] = [];
  for (let at = 0; at < bytes.length; ) {
    const short = bytes[at + 1] ?? 0;
    const lengthBytes = short < 0x80 ? 0 : short & 0x7f;
    let length = lengthBytes === 0 ? short : 0;
    for (let index = 0; index < lengthBytes; index++) length = length * 256 + (bytes[at + 2 + index] ?? 0);
    const start = at + 2 + lengthBytes;
    const end = start + length;
    if (end > bytes.length || lengthBytes > 4) throw new Error("not DER");
    values.push({ tag: bytes[at] ?? 0, content: bytes.subarray(start, end), encoded: bytes.subarray(at, end) });
    at = end;
  }
  return values;
}
