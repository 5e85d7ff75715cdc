/** The name that asks for everything (xDS protocol, "wildcard"). */
const WILDCARD = "*";

/** Which resources of one type a client wants on one stream: named ones, all of them, or both. */
export class Subscription {
  #names = new Set<string>();
  #wildcard = false;

  get wildcard(): boolean {
    return this.#wildcard;
  }

  get names(): ReadonlySet<string> {
    return this.#names;
  }

  wants(name: string): boolean {
    return this.#wildcard || this.#names.has(name);
  }

  /** Delta: adds names; `*` turns the wildcard on. */
  add(names: Iterable<string>): void {
    for (const name of names) {
      if (name === WILDCARD) this.#wildcard = true;
      else this.#names.add(name);
    }
  }

  /** Delta: takes names back; `*` turns the wildcard off. */
  remove(names: Iterable<string>): void {
    for (const name of names) {
      if (name === WILDCARD) this.#wildcard = false;
      else this.#names.delete(name);
    }
  }

  /** A first request without names means everything. */
  subscribeToAll(): void {
    this.#wildcard = true;
  }

  /**
   * State of the world: the names are the whole list. Returns those that were not in the list before, whether the wildcard
   * covered them or not: the client has just begun to listen for them by name. An empty list keeps an unnamed wildcard
   * (the old way to say `*`) and otherwise ends all interest.
   */
  replace(names: readonly string[]): string[] {
    if (names.length === 0 && this.#wildcard && this.#names.size === 0) return [];
    const next = new Set(names);
    this.#wildcard = next.delete(WILDCARD);
    const added = [...next].filter((name) => !this.#names.has(name));
    this.#names = next;
    return added;
  }
}
