/**
 * Values that are made once for each key. `most` are kept; with one more all are forgotten, and made again when they are next
 * asked for: what is in use comes back soon, what is left over does not. `make` must always make the same of a key.
 */
export class Memo<Key, Value> {
  readonly #most: number;
  readonly #values = new Map<Key, Value>();

  constructor(most: number) {
    this.#most = most;
  }

  get(key: Key, make: () => Value): Value {
    const known = this.#values.get(key);
    if (known !== undefined) return known;
    const value = make();
    if (this.#values.size >= this.#most) this.#values.clear();
    this.#values.set(key, value);
    return value;
  }
}
