import type { Answer, Outgoing, Target } from "./channel.ts";
import type { DeltaDiscoveryRequest } from "./delta-discovery-request.ts";
import { PartedChannel } from "./parted-channel.ts";
import { Subscription } from "./subscription.ts";

/** One type of a delta stream: differences only, in messages of bounded size, removals by name. */
export class DeltaChannel extends PartedChannel<DeltaDiscoveryRequest> {
  readonly #subscription = new Subscription();

  onRequest(request: DeltaDiscoveryRequest, now: number): Answer {
    const answer = this.#settle(request, now);
    if (this.subscribed) this.#change(request);
    else this.#begin(request);
    return answer;
  }

  next(target: Target): Outgoing | undefined {
    if (!this.subscribed) return undefined;
    if (!this.parts.waiting) {
      if (this.parts.unanswered) return undefined;
      const due = this.backlog.collect(target.list, this.#subscription, target.now);
      const removed = target.removals ? this.backlog.takeGone(this.#subscription) : [];
      if (!this.load(due, removed)) return undefined;
    }
    return this.sendPart(() => String(target.revision));
  }

  #settle(request: DeltaDiscoveryRequest, now: number): Answer {
    const part = request.nonce === "" ? undefined : this.parts.answered(request.nonce);
    if (!part) return undefined;
    if (request.error === undefined) {
      this.backlog.accepted(part.resources);
      return "accepted";
    }
    this.backlog.refused(part.resources, now);
    if (part.resources.length > 0) this.backlog.restoreGone(part.removed);
    return "refused";
  }

  #begin(request: DeltaDiscoveryRequest): void {
    this.subscribed = true;
    if (request.subscribe.length === 0) this.#subscription.subscribeToAll();
    this.#subscription.add(request.subscribe);
    this.backlog.assume(request.initialVersions);
    this.owesAnswer = this.#subscription.wildcard;
  }

  #change(request: DeltaDiscoveryRequest): void {
    if (request.subscribe.length === 0 && request.unsubscribe.length === 0) return;
    const hadWildcard = this.#subscription.wildcard;
    this.#subscription.remove(request.unsubscribe);
    this.#subscription.add(request.subscribe);
    this.backlog.forget(request.unsubscribe);
    // Who took a name back but still wants everything cannot know whether the name is part of it: it is sent again.
    if (this.#subscription.wildcard) this.backlog.require(request.unsubscribe);
    if (this.#subscription.wildcard && !hadWildcard) {
      this.backlog.requireAll();
      this.owesAnswer = true;
    }
    // Envoy expects the resource even if it has the same already: a cluster that came back waits for it.
    this.backlog.require(request.subscribe);
  }
}
