import { type DiscoveryRequest, readNames } from "./discovery-request.ts";
import { Subscription } from "./subscription.ts";

/** How the list of names of a state-of-the-world request differs from the one before. */
export interface NamesChange {
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

const NO_CHANGE: NamesChange = { added: [], removed: [] };

/**
 * The names of a state-of-the-world client. Each ACK repeats the whole list; it is compared as bytes with the last one
 * and decoded only when it differs.
 */
export class SotwNames {
  readonly subscription = new Subscription();
  #bytes: Uint8Array = new Uint8Array();
  #first = true;

  update(request: DiscoveryRequest): NamesChange {
    if (!this.#first && Buffer.compare(request.names, this.#bytes) === 0) return NO_CHANGE;
    this.#bytes = new Uint8Array(request.names);
    const names = readNames(request.names);
    if (this.#first && names.length === 0) this.subscription.subscribeToAll();
    this.#first = false;
    const before = this.subscription.names;
    const added = this.subscription.replace(names);
    return { added, removed: [...before].filter((name) => !this.subscription.wants(name)) };
  }
}
