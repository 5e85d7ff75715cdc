import type { ResourceDraft } from "../model/resource.ts";
import type { DataplaneSpec } from "../model/types/dataplane.ts";

/** Sidecars that got their bootstrap and have opened no stream yet; of more, the oldest are forgotten and read again. */
const MOST = 500;

/**
 * Definitions as `/bootstrap` has read them, by the text that its answer carries: the stream of the sidecar brings the very
 * same text back a moment later, and reading it again is a thirtieth of what a join costs.
 */
export class KnownDefinitions {
  readonly #drafts = new Map<string, ResourceDraft<DataplaneSpec>>();

  /** `draft` must be valid, and what reading `text` gives. */
  note(text: string, draft: ResourceDraft<DataplaneSpec>): void {
    this.#drafts.set(text, draft);
    if (this.#drafts.size > MOST) for (const oldest of this.#drafts.keys()) return void this.#drafts.delete(oldest);
  }

  /** The definition that the text stands for, once; undefined when it has to be read. */
  take(text: string): ResourceDraft<DataplaneSpec> | undefined {
    const draft = this.#drafts.get(text);
    if (draft) this.#drafts.delete(text);
    return draft;
  }
}
