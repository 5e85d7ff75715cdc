import type { EncodedResource } from "../envoy/encoded-resource.ts";

/** One message worth of an update. */
export interface Part {
  readonly resources: readonly EncodedResource[];
  readonly removed: readonly string[];
}

/**
 * An update on its way to a client: cut into messages of bounded size, and remembered until each is answered. One
 * message is what a slow reader costs, and what is on its way no newer change can replace.
 */
export class Parts {
  #queue: Part[] = [];
  /** By nonce; a plain list, as there are few. */
  readonly #unanswered: { readonly nonce: string; readonly part: Part }[] = [];

  /** Something is left to send. */
  get waiting(): boolean {
    return this.#queue.length > 0;
  }

  get unanswered(): boolean {
    return this.#unanswered.length > 0;
  }

  /**
   * Cuts an update. Removals travel in the first part: Envoy handles them before additions, so that a new listener can take
   * the port of an old one. `alone` says which resources get a part of their own.
   */
  load(
    resources: readonly EncodedResource[],
    removed: readonly string[],
    limit: number,
    alone: (name: string) => boolean,
  ): void {
    const single: EncodedResource[] = [];
    let part: EncodedResource[] = [];
    let size = removed.reduce((sum, name) => sum + name.length + 4, 0);
    const first = { resources: part, removed };
    this.#queue.push(first);
    for (const resource of resources) {
      if (alone(resource.name)) {
        single.push(resource);
        continue;
      }
      const bytes = Math.max(resource.sotwChunk.byteLength, resource.deltaChunk.byteLength);
      if (part.length > 0 && size + bytes > limit) {
        part = [];
        size = 0;
        this.#queue.push({ resources: part, removed: [] });
      }
      part.push(resource);
      size += bytes;
    }
    if (first.resources.length === 0 && removed.length === 0 && single.length > 0) this.#queue.shift();
    for (const resource of single) this.#queue.push({ resources: [resource], removed: [] });
  }

  /** The next part; `sent` says under which nonce it goes. */
  take(): Part | undefined {
    return this.#queue.shift();
  }

  sent(nonce: string, part: Part): void {
    this.#unanswered.push({ nonce, part });
  }

  /** What was sent under this nonce; undefined if it is none of ours or was answered before. */
  answered(nonce: string): Part | undefined {
    const at = this.#unanswered.findIndex((each) => each.nonce === nonce);
    return at < 0 ? undefined : this.#unanswered.splice(at, 1)[0]?.part;
  }
}
