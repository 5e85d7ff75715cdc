import { type ProxyId, proxyText } from "../push/snapshot.ts";
import type { RecordChanges } from "./record-changes.ts";

/** Writes down that another sidecar of the same name waits, or none any more; the last word counts. */
export class Rivals {
  readonly #changes: RecordChanges;
  /** What is being written. */
  readonly #words = new Map<string, string | undefined>();

  constructor(changes: RecordChanges) {
    this.#changes = changes;
  }

  /** `peer` is where the other one is; undefined: there is none. */
  set(proxy: ProxyId, peer: string | undefined): void {
    const key = proxyText(proxy);
    this.#words.set(key, peer);
    // One that the store could not take for a while must not come after a newer one.
    const choose = () => (this.#words.get(key) === peer ? ({ type: "rival", peer } as const) : undefined);
    void this.#changes.persist(proxy, choose).then(() => {
      if (this.#words.get(key) === peer) this.#words.delete(key);
    });
  }
}
