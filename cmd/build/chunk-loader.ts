import { dirname } from "node:path";
import { getRawAsset } from "node:sea";
import { pathToFileURL } from "node:url";
import { Script } from "node:vm";

/*
 * The first code of the executable. The program is cut into chunks at its dynamic imports (cmd/build/bundle.ts); each is
 * read and compiled when it is first asked for, so a role pays in time and memory for its own code only.
 */

interface Chunk {
  readonly exports: unknown;
}

const loaded = new Map<string, Chunk>();
const file = process.execPath;

function load(specifier: string): unknown {
  if (!specifier.startsWith("./")) return require(specifier);
  const name = specifier.slice(2);
  const known = loaded.get(name);
  if (known) return known.exports;
  const chunk = { exports: {} };
  // Before it runs: chunks may import each other in a circle.
  loaded.set(name, chunk);
  const script = new Script(text(`code/${name}`), { filename: name, cachedData: asset(`cache/${name}`) });
  script.runInThisContext()(chunk.exports, load, chunk, file, dirname(file), pathToFileURL(file).href);
  return chunk.exports;
}

function asset(name: string): Buffer {
  return Buffer.from(getRawAsset(name) as ArrayBuffer);
}

/** The chunks are Latin-1, so this makes a string of one byte a character, without decoding. */
function text(name: string): string {
  return asset(name).toString("latin1");
}

load("./main.js");
