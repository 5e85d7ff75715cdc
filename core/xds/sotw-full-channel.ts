import type { EncodedResource, XdsType } from "../envoy/encoded-resource.ts";
import { ResourceList } from "../push/resource-list.ts";
import { NACK_BACKOFF_MS } from "./backlog.ts";
import type { Answer, Channel, Outgoing, Target } from "./channel.ts";
import type { DiscoveryRequest } from "./discovery-request.ts";
import type { ResponseEncoder } from "./discovery-response.ts";
import { changesBetween } from "./list-changes.ts";
import { SotwNames } from "./sotw-names.ts";
import { responseVersion } from "./sotw-version.ts";

/**
 * Clusters or listeners of a state-of-the-world stream: every response is the complete set, and what it leaves out is
 * removed. While removals are not allowed, resources that are gone are sent along until they are.
 */
export class SotwFullChannel implements Channel<DiscoveryRequest> {
  readonly type: XdsType;
  readonly #encoder: ResponseEncoder;
  readonly #names = new SotwNames();
  #base: ResourceList = ResourceList.EMPTY;
  /** The client has them, the list has not. */
  #kept = new Map<string, EncodedResource>();
  #subscribed = false;
  #owesAnswer = false;
  #unanswered = false;
  #refused = false;
  #heldUntil = 0;
  #nonce = "";
  #target: ResourceList = ResourceList.EMPTY;

  constructor(type: XdsType, encoder: ResponseEncoder) {
    this.type = type;
    this.#encoder = encoder;
  }

  get subscribed(): boolean {
    return this.#subscribed;
  }

  get unanswered(): boolean {
    return this.#unanswered;
  }

  get refused(): boolean {
    return this.#refused;
  }

  get removalsWaiting(): boolean {
    return this.#kept.size > 0;
  }

  get dueAt(): number | undefined {
    return this.#heldUntil > 0 && this.#target !== this.#base ? this.#heldUntil : undefined;
  }

  onRequest(request: DiscoveryRequest, now: number): Answer {
    if (!this.#subscribed) {
      this.#subscribed = true;
      this.#names.update(request);
      this.#owesAnswer = true;
      return undefined;
    }
    if (request.nonce !== this.#nonce) return undefined;
    const answers = this.#unanswered;
    this.#unanswered = false;
    const { added, removed } = this.#names.update(request);
    if (added.length > 0 || removed.length > 0) this.#owesAnswer = true;
    if (!answers) return undefined;
    if (request.error === undefined) {
      this.#refused = false;
      return "accepted";
    }
    this.#refused = true;
    this.#heldUntil = now + NACK_BACKOFF_MS;
    return "refused";
  }

  next(target: Target): Outgoing | undefined {
    this.#target = target.list;
    if (!this.#subscribed || this.#unanswered || target.now < this.#heldUntil) return undefined;
    this.#heldUntil = 0;
    const fresh = this.#advance(target);
    if (!fresh && !this.#owesAnswer) return undefined;
    this.#owesAnswer = false;
    this.#unanswered = true;
    const resources = [...this.#base, ...this.#kept.values()].filter(({ name }) =>
      this.#names.subscription.wants(name),
    );
    const { message, nonce } = this.#encoder.encode(this.type, resources, [], responseVersion, this.#nonce);
    this.#nonce = nonce;
    return { message, fresh: fresh ?? [] };
  }

  holds(list: ResourceList): boolean {
    return this.#base === list && !this.#unanswered && !this.#owesAnswer && !this.#refused;
  }

  /** Moves on to the target; undefined if the set that the client has stays the same. */
  #advance(target: Target): EncodedResource[] | undefined {
    const { list, removals } = target;
    const drops = removals && this.#kept.size > 0;
    if (drops) this.#kept = new Map();
    if (list === this.#base) return drops ? [] : undefined;
    const wants = (name: string) => this.#names.subscription.wants(name);
    const { changed, removed } = changesBetween(this.#base, list);
    const fresh = changed.filter(({ name }) => wants(name));
    const gone = removed.filter(wants);
    for (const { name } of changed) this.#kept.delete(name);
    for (const name of removals ? [] : gone) this.#kept.set(name, this.#base.get(name) as EncodedResource);
    this.#base = list;
    return fresh.length > 0 || drops || (removals && gone.length > 0) ? fresh : undefined;
  }

  /** A complete set cannot be sent in part: all of it, once. */
  require(): void {
    this.#owesAnswer = true;
  }
}
