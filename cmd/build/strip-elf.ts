const SECTION_ENTRY = 64;
const SHF_ALLOC = 2n;
const PT_LOAD = 1;

/**
 * Drops symbols and debugging information from a 64-bit little-endian ELF executable: every section that is not loaded
 * into memory. The loaded part is copied unchanged. Written here because `strip` comes with a compiler's tools, which
 * the machine that builds need not have, and because its output differs between versions.
 *
 * Throws when the file is not laid out as linkers do it (loaded sections first), rather than guess.
 */
export function stripElf(file: Buffer): Buffer {
  if (file.readUInt32BE(0) !== 0x7f454c46 || file[4] !== 2 || file[5] !== 1)
    throw new Error("not a 64-bit little-endian ELF file");
  const tableAt = Number(file.readBigUInt64LE(0x28));
  const count = file.readUInt16LE(0x3c);
  const namesIndex = file.readUInt16LE(0x3e);
  const section = (index: number) =>
    file.subarray(tableAt + index * SECTION_ENTRY, tableAt + (index + 1) * SECTION_ENTRY);

  const loaded = (index: number) => (section(index).readBigUInt64LE(8) & SHF_ALLOC) !== 0n;
  let kept = 1;
  while (kept < count && loaded(kept)) kept++;
  for (let index = kept; index < count; index++)
    if (loaded(index)) throw new Error("a loaded section lies behind one that is not loaded");

  const names = section(namesIndex);
  const namesAt = Number(names.readBigUInt64LE(0x18));
  const nameBytes = file.subarray(namesAt, namesAt + Number(names.readBigUInt64LE(0x20)));
  const image = file.subarray(0, loadedEnd(file));
  const gap = Buffer.alloc((8 - ((image.length + nameBytes.length) % 8)) % 8);

  const table = Buffer.alloc((kept + 1) * SECTION_ENTRY);
  for (let index = 0; index < kept; index++) section(index).copy(table, index * SECTION_ENTRY);
  names.copy(table, kept * SECTION_ENTRY);
  table.writeBigUInt64LE(BigInt(image.length), kept * SECTION_ENTRY + 0x18);

  const stripped = Buffer.concat([image, nameBytes, gap, table]);
  stripped.writeBigUInt64LE(BigInt(image.length + nameBytes.length + gap.length), 0x28);
  stripped.writeUInt16LE(kept + 1, 0x3c);
  stripped.writeUInt16LE(kept, 0x3e);
  return stripped;
}

/** Where the last byte ends that a program header maps into memory. */
function loadedEnd(file: Buffer): number {
  const at = Number(file.readBigUInt64LE(0x20));
  const size = file.readUInt16LE(0x36);
  let end = 0;
  for (let index = 0; index < file.readUInt16LE(0x38); index++) {
    const header = file.subarray(at + index * size, at + (index + 1) * size);
    if (header.readUInt32LE(0) !== PT_LOAD) continue;
    end = Math.max(end, Number(header.readBigUInt64LE(0x08) + header.readBigUInt64LE(0x20)));
  }
  return end;
}
