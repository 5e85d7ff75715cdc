const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const DT_STRTAB = 5n;
const DT_VERNEED = 0x6ffffffen;
const DT_VERNEEDNUM = 0x6fffffffn;

/**
 * The symbol versions that a 64-bit ELF file asks of its libraries, e.g. `GLIBC_2.28` or `GLIBCXX_3.4.21`: what the
 * dynamic linker will insist on when it loads the file.
 */
export function neededVersions(file: Buffer): string[] {
  const segments = programHeaders(file);
  const offsetOf = (address: bigint) => {
    const home = segments.find(
      (each) => each.type === PT_LOAD && address >= each.address && address < each.address + each.size,
    );
    if (!home) throw new Error(`no segment holds address ${address}`);
    return Number(home.offset + address - home.address);
  };
  const dynamic = segments.find((each) => each.type === PT_DYNAMIC);
  if (!dynamic) return [];
  const entries = new Map<bigint, bigint>();
  for (let at = Number(dynamic.offset); at < Number(dynamic.offset + dynamic.size); at += 16)
    entries.set(file.readBigInt64LE(at), file.readBigUInt64LE(at + 8));
  const strings = offsetOf(entries.get(DT_STRTAB) ?? 0n);
  const text = (at: number) => file.toString("latin1", strings + at, file.indexOf(0, strings + at));

  const versions = new Set<string>();
  let need = offsetOf(entries.get(DT_VERNEED) ?? 0n);
  for (let library = 0n; library < (entries.get(DT_VERNEEDNUM) ?? 0n); library++) {
    let version = need + file.readUInt32LE(need + 8);
    for (let count = file.readUInt16LE(need + 2); count > 0; count--) {
      versions.add(text(file.readUInt32LE(version + 8)));
      version += file.readUInt32LE(version + 12);
    }
    need += file.readUInt32LE(need + 12);
  }
  return [...versions];
}

/** The highest `PREFIX_x.y.z` of the list as `x.y.z`; undefined when there is none. */
export function highestVersion(versions: readonly string[], prefix: string): string | undefined {
  return versions
    .filter((version) => version.startsWith(`${prefix}_`) && /_\d/.test(version))
    .map((version) => version.slice(prefix.length + 1))
    .sort((a, b) => a.localeCompare(b, "en", { numeric: true }))
    .at(-1);
}

function programHeaders(file: Buffer): { type: number; offset: bigint; address: bigint; size: bigint }[] {
  const at = Number(file.readBigUInt64LE(0x20));
  const size = file.readUInt16LE(0x36);
  return Array.from({ length: file.readUInt16LE(0x38) }, (_, index) => {
    const header = at + index * size;
    return {
      type: file.readUInt32LE(header),
      offset: file.readBigUInt64LE(header + 0x08),
      address: file.readBigUInt64LE(header + 0x10),
      size: file.readBigUInt64LE(header + 0x20),
    };
  });
}
