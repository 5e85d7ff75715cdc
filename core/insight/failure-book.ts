import { token } from "../kernel/token.ts";
import { KEPT_FAILURES, type RequestFailure } from "../model/request-failure.ts";
import { type ProxyId, proxyText } from "../push/snapshot.ts";

/** What is kept of all proxies together, in characters of JSON: 200 failures of some 300 proxies. */
const MAX_CHARACTERS = 16 * 1024 * 1024;

/** The failures of one proxy, each as JSON: a fifth of the memory of the objects. */
interface Page {
  incarnation: string;
  lastSeq: number;
  characters: number;
  failures: string[];
}

/** The last 200 failed requests of each sidecar, as the sidecars that are connected here reported them. */
export interface FailureBook {
  /** Adds what is new, oldest first; a report that is repeated changes nothing. Returns how many were new. */
  record(proxy: ProxyId, incarnation: string, failures: readonly RequestFailure[]): number;
  /** Newest first; undefined for a proxy that reported nothing here. */
  read(proxy: ProxyId): readonly RequestFailure[] | undefined;
}

export const FailureBook = token<FailureBook>("FailureBook");

/**
 * In memory only: a sidecar keeps its own, and reports them again to whichever control plane it connects to. When there
 * are too many in all, the proxies that reported longest ago are forgotten.
 */
export class BoundedFailureBook implements FailureBook {
  readonly #maxCharacters: number;
  /** The proxy that reported last is the last. */
  readonly #pages = new Map<string, Page>();
  #characters = 0;

  constructor(maxCharacters = MAX_CHARACTERS) {
    this.#maxCharacters = maxCharacters;
  }

  record(proxy: ProxyId, incarnation: string, failures: readonly RequestFailure[]): number {
    const key = proxyText(proxy);
    const page = this.#pages.get(key) ?? { incarnation, lastSeq: 0, characters: 0, failures: [] };
    if (page.incarnation !== incarnation) Object.assign(page, { incarnation, lastSeq: 0 });
    const fresh = failures.filter(({ seq }) => seq > page.lastSeq);
    const newest = fresh.at(-1);
    if (!newest) return 0;
    page.lastSeq = newest.seq;
    page.failures = [...page.failures, ...fresh.map((failure) => JSON.stringify(failure))].slice(-KEPT_FAILURES);
    this.#characters -= page.characters;
    page.characters = page.failures.reduce((sum, text) => sum + text.length, 0);
    this.#characters += page.characters;
    this.#pages.delete(key);
    this.#pages.set(key, page);
    for (const [oldest, { characters }] of this.#pages) {
      if (this.#characters <= this.#maxCharacters || oldest === key) break;
      this.#pages.delete(oldest);
      this.#characters -= characters;
    }
    return fresh.length;
  }

  read(proxy: ProxyId): readonly RequestFailure[] | undefined {
    return this.#pages
      .get(proxyText(proxy))
      ?.failures.map((text) => JSON.parse(text) as RequestFailure)
      .reverse();
  }
}
