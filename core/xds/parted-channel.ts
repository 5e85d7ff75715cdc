import type { EncodedResource, XdsType } from "../envoy/encoded-resource.ts";
import type { ResourceList } from "../push/resource-list.ts";
import { Backlog } from "./backlog.ts";
import type { Answer, Channel, Outgoing, Target } from "./channel.ts";
import type { ResponseEncoder } from "./discovery-response.ts";
import { Parts } from "./parts.ts";

/**
 * What the channels share whose responses need not be complete: a backlog of what the client still has to get, sent in
 * messages of `partBytes` at most.
 */
export abstract class PartedChannel<Request> implements Channel<Request> {
  readonly type: XdsType;
  /** The client asked for this type on this stream. */
  subscribed = false;
  protected readonly backlog = new Backlog();
  protected readonly parts = new Parts();
  /** Who asks for everything gets an answer even if there is nothing: Envoy starts only after it. */
  protected owesAnswer = false;
  /** Of the newest response. */
  protected nonce = "";
  readonly #encoder: ResponseEncoder;
  readonly #partBytes: number;

  constructor(type: XdsType, encoder: ResponseEncoder, partBytes: number) {
    this.type = type;
    this.#encoder = encoder;
    this.#partBytes = partBytes;
  }

  get unanswered(): boolean {
    return this.parts.unanswered;
  }

  get refused(): boolean {
    return this.backlog.hasRefused;
  }

  get removalsWaiting(): boolean {
    return this.backlog.hasGone;
  }

  get dueAt(): number | undefined {
    return this.backlog.dueAt;
  }

  abstract onRequest(request: Request, now: number): Answer;

  abstract next(target: Target): Outgoing | undefined;

  holds(list: ResourceList): boolean {
    return !this.parts.waiting && !this.parts.unanswered && !this.owesAnswer && this.backlog.holds(list);
  }

  require(names: Iterable<string>, from: ResourceList): void {
    this.backlog.require(names, from);
  }

  /** Cuts an update into parts; false if there is nothing to send. */
  protected load(due: readonly EncodedResource[], removed: readonly string[]): boolean {
    if (due.length === 0 && removed.length === 0 && !this.owesAnswer) return false;
    this.owesAnswer = false;
    this.parts.load(due, removed, this.#partBytes, (name) => this.backlog.takeIsolated(name));
    return true;
  }

  /** Makes the message of the next part; from now on it counts as sent. */
  protected sendPart(version: (resources: readonly EncodedResource[]) => string): Outgoing | undefined {
    const part = this.parts.take();
    if (!part) return undefined;
    const { resources, removed } = part;
    const { message, nonce } = this.#encoder.encode(this.type, resources, removed, version, this.nonce);
    this.parts.sent(nonce, part);
    this.nonce = nonce;
    return { message, fresh: resources };
  }
}
