import type { Answer, Outgoing, Target } from "./channel.ts";
import type { DiscoveryRequest } from "./discovery-request.ts";
import { PartedChannel } from "./parted-channel.ts";
import { SotwNames } from "./sotw-names.ts";
import { responseVersion } from "./sotw-version.ts";

/**
 * Endpoints, secrets or routes of a state-of-the-world stream. For these a response need not be complete (what it leaves
 * out stays as it is), so only what changed is sent, and a large update goes in several responses, one at a time. There
 * are no removals: a client drops what it no longer refers to.
 */
export class SotwPartialChannel extends PartedChannel<DiscoveryRequest> {
  readonly #names = new SotwNames();

  onRequest(request: DiscoveryRequest, now: number): Answer {
    if (!this.subscribed) {
      this.subscribed = true;
      this.#names.update(request);
      this.owesAnswer = this.#names.subscription.wildcard;
      return undefined;
    }
    // Written before our newest response was seen; the answer to that one will repeat the names.
    if (request.nonce !== this.nonce) return undefined;
    const resources = this.parts.answered(request.nonce)?.resources;
    if (resources && request.error === undefined) this.backlog.accepted(resources);
    else if (resources) this.backlog.refused(resources, now);
    const { added, removed } = this.#names.update(request);
    this.backlog.forget(removed);
    this.backlog.require(added);
    const changed = added.length > 0 || removed.length > 0;
    if (!resources && !changed && request.error === undefined) this.#requireAllAgain();
    if (!resources) return undefined;
    return request.error === undefined ? "accepted" : "refused";
  }

  next(target: Target): Outgoing | undefined {
    if (!this.subscribed || this.parts.unanswered) return undefined;
    if (!this.parts.waiting) {
      const due = this.backlog.collect(target.list, this.#names.subscription, target.now);
      if (target.removals) this.backlog.takeGone(this.#names.subscription);
      if (!this.load(due, [])) return undefined;
    }
    return this.sendPart(responseVersion);
  }

  /** The same names with the newest nonce once more, and no answer: a cluster of the client warms anew and waits. */
  #requireAllAgain(): void {
    const { subscription } = this.#names;
    if (subscription.wildcard) this.backlog.requireAll();
    this.backlog.require(subscription.names);
  }
}
