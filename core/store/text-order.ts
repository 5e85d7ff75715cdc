/**
 * Order of names in every list: by Unicode code points. It is the order of UTF-8 bytes, so a database gives it by a plain
 * index (SQLite BINARY, PostgreSQL COLLATE "C"); JavaScript's own `<` compares UTF-16 units and differs beyond U+FFFF.
 */
export function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const left = a.charCodeAt(at);
    const right = b.charCodeAt(at);
    if (left !== right) return codePointRank(left) - codePointRank(right);
  }
  return a.length - b.length;
}

/** Surrogates stand for code points above all other UTF-16 units; moved there, units compare like code points. */
function codePointRank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
