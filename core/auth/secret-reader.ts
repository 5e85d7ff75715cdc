import { keyText, type Resource, type ResourceKey } from "../model/resource.ts";
import type { ResourceStore } from "../store/resource-store.ts";

/** What was read from a secret, kept until the secret is written again. */
interface Kept<Value> {
  readonly revision: number;
  readonly value: Value;
}

/** Kept values at the most; then all are forgotten and read again. */
const CAPACITY = 1000;

/**
 * Reads secrets and keeps what was made of them. The store is asked each time, so a key that was deleted or a token that
 * was revoked counts at once, but callers share a read that is under way: a thousand sidecars that come back together
 * cost a few reads, and a key is imported once.
 */
export class SecretReader<Value> {
  readonly #store: ResourceStore;
  readonly #read: (secret: Resource) => Value;
  readonly #kept = new Map<string, Kept<Value>>();
  readonly #underWay = new Map<string, Promise<Value | undefined>>();

  /** `read` makes the value; what it throws is not kept. */
  constructor(store: ResourceStore, read: (secret: Resource) => Value) {
    this.#store = store;
    this.#read = read;
  }

  /** The value of a secret; undefined when there is no such secret. */
  get(key: ResourceKey): Promise<Value | undefined> {
    const text = keyText(key);
    let reading = this.#underWay.get(text);
    if (!reading) {
      reading = this.#load(key, text).finally(() => this.#underWay.delete(text));
      this.#underWay.set(text, reading);
    }
    return reading;
  }

  async #load(key: ResourceKey, text: string): Promise<Value | undefined> {
    const secret = await this.#store.get(key);
    if (!secret) {
      this.#kept.delete(text);
      return undefined;
    }
    const kept = this.#kept.get(text);
    if (kept?.revision === secret.revision) return kept.value;
    const value = this.#read(secret);
    if (this.#kept.size >= CAPACITY) this.#kept.clear();
    this.#kept.set(text, { revision: secret.revision, value });
    return value;
  }
}
