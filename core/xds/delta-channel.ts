import type { XdsType } from "../envoy/encoded-resource.ts";
import { Backlog } from "./backlog.ts";
import type { Answer, Channel, Outgoing, Target } from "./channel.ts";
import type { DeltaDiscoveryRequest } from "./delta-discovery-request.ts";
import type { ResponseEncoder } from "./discovery-response.ts";
import type { ResourceMap } from "./map-changes.ts";
import { Parts } from "./parts.ts";
import { Subscription } from "./subscription.ts";

/** One type of a delta stream: differences only, in messages of `partBytes` at most, removals by name. */
export class DeltaChannel implements Channel<DeltaDiscoveryRequest> {
  readonly type: XdsType;
  readonly #encoder: ResponseEncoder;
  readonly #partBytes: number;
  readonly #subscription = new Subscription();
  readonly #backlog = new Backlog();
  readonly #parts = new Parts();
  #subscribed = false;
  /** Who asks for everything gets an answer even if there is nothing: Envoy starts only after it. */
  #owesAnswer = false;
  #lastNonce = 0;

  constructor(type: XdsType, encoder: ResponseEncoder, partBytes: number) {
    this.type = type;
    this.#encoder = encoder;
    this.#partBytes = partBytes;
  }

  get subscribed(): boolean {
    return this.#subscribed;
  }

  get unanswered(): boolean {
    return this.#parts.unanswered;
  }

  get refused(): boolean {
    return this.#backlog.hasRefused;
  }

  get removalsWaiting(): boolean {
    return this.#backlog.hasGone;
  }

  get dueAt(): number | undefined {
    return this.#backlog.dueAt;
  }

  onRequest(request: DeltaDiscoveryRequest, now: number): Answer {
    const answer = this.#settle(request, now);
    if (this.#subscribed) this.#change(request);
    else this.#begin(request);
    return answer;
  }

  next(target: Target): Outgoing | undefined {
    if (!this.#subscribed) return undefined;
    if (!this.#parts.waiting) {
      if (this.#parts.unanswered) return undefined;
      const due = this.#backlog.collect(target.map, this.#subscription, target.now);
      const removed = target.removals ? this.#backlog.takeGone(this.#subscription) : [];
      if (due.length === 0 && removed.length === 0 && !this.#owesAnswer) return undefined;
      this.#owesAnswer = false;
      this.#parts.load(due, removed, this.#partBytes, (name) => this.#backlog.takeIsolated(name));
    }
    const nonce = String(++this.#lastNonce);
    const part = this.#parts.take(nonce);
    if (!part) return undefined;
    const version = String(target.revision);
    return {
      frame: this.#encoder.encode(this.type, version, nonce, part.resources, part.removed),
      fresh: part.resources,
    };
  }

  holds(map: ResourceMap): boolean {
    return !this.#parts.waiting && !this.#parts.unanswered && !this.#owesAnswer && this.#backlog.holds(map);
  }

  require(names: Iterable<string>, from: ResourceMap): void {
    this.#backlog.require(names, from);
  }

  #settle(request: DeltaDiscoveryRequest, now: number): Answer {
    const part = request.nonce === "" ? undefined : this.#parts.answered(request.nonce);
    if (!part) return undefined;
    if (request.error === undefined) {
      this.#backlog.accepted(part.resources);
      return "accepted";
    }
    this.#backlog.refused(part.resources, now);
    if (part.resources.length > 0) this.#backlog.restoreGone(part.removed);
    return "refused";
  }

  #begin(request: DeltaDiscoveryRequest): void {
    this.#subscribed = true;
    if (request.subscribe.length === 0) this.#subscription.subscribeToAll();
    this.#subscription.add(request.subscribe);
    this.#backlog.assume(request.initialVersions);
    this.#owesAnswer = this.#subscription.wildcard;
  }

  #change(request: DeltaDiscoveryRequest): void {
    if (request.subscribe.length === 0 && request.unsubscribe.length === 0) return;
    const hadWildcard = this.#subscription.wildcard;
    this.#subscription.remove(request.unsubscribe);
    this.#subscription.add(request.subscribe);
    this.#backlog.forget(request.unsubscribe);
    // Who took a name back but still wants everything cannot know whether the name is part of it: it is sent again.
    if (this.#subscription.wildcard) this.#backlog.require(request.unsubscribe);
    if (this.#subscription.wildcard && !hadWildcard) {
      this.#backlog.requireAll();
      this.#owesAnswer = true;
    }
    // Envoy expects the resource even if it has the same already: a cluster that came back waits for it.
    this.#backlog.require(request.subscribe);
  }
}
