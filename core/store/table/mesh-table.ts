import type { Resource } from "../../model/resource.ts";
import { compareText } from "../text-order.ts";

/** A stored resource with its place in the tree of owners. */
export interface Entry {
  resource: Resource;
  owner: Entry | undefined;
  readonly owned: Set<Entry>;
}

/** The resources of one type in one mesh: by name at once, in order of names when a list asks for it. */
export class MeshTable {
  readonly #entries = new Map<string, Entry>();
  /** Sorted names; may hold deleted or doubled ones until it is tidied, so that writes never pay for the order. */
  #names: string[] = [];
  #tidy = true;

  get size(): number {
    return this.#entries.size;
  }

  get(name: string): Entry | undefined {
    return this.#entries.get(name);
  }

  add(name: string, entry: Entry): void {
    this.#entries.set(name, entry);
    const last = this.#names.at(-1);
    if (last !== undefined && compareText(last, name) >= 0) this.#tidy = false;
    this.#names.push(name);
    // Names that come and go while nobody lists must not pile up.
    if (this.#names.length > 2 * this.#entries.size + 100) this.names();
  }

  delete(name: string): void {
    this.#entries.delete(name);
    this.#tidy = false;
  }

  entries(): Iterable<Entry> {
    return this.#entries.values();
  }

  /** All names in order. */
  names(): readonly string[] {
    if (!this.#tidy) {
      const sorted = this.#names.filter((name) => this.#entries.has(name)).sort(compareText);
      this.#names = sorted.filter((name, at) => name !== sorted[at - 1]);
      this.#tidy = true;
    }
    return this.#names;
  }

  /** Index in `names()` of the first name after `name`. */
  indexAfter(name: string): number {
    const names = this.names();
    let low = 0;
    let high = names.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareText(names[middle] ?? "", name) <= 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
