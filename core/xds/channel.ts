import type { EncodedResource, XdsType } from "../envoy/encoded-resource.ts";
import type { GrpcMessage } from "../grpc/framing.ts";
import type { ResourceList } from "../push/resource-list.ts";

/** What a request said about the response it answers, if it answers one. */
export type Answer = "accepted" | "refused" | undefined;

/** One message to be sent, and what of it is new to the client. */
export interface Outgoing {
  readonly message: GrpcMessage;
  readonly fresh: readonly EncodedResource[];
}

/** Where a channel should get to. */
export interface Target {
  readonly list: ResourceList;
  readonly revision: number;
  /** Whether resources may be taken away now; make before break says when. */
  readonly removals: boolean;
  /** Monotonic, milliseconds. */
  readonly now: number;
}

/**
 * One type on one stream: what the client asked for, what it was sent, what it answered. Pure: it makes frames when asked
 * and sends nothing itself. `Request` is the request of the stream's variant.
 */
export interface Channel<Request> {
  readonly type: XdsType;
  /** The client asked for this type on this stream. */
  readonly subscribed: boolean;
  /** Something was sent and not yet answered. */
  readonly unanswered: boolean;
  /** Something was refused and not sent anew since. */
  readonly refused: boolean;
  /** Something waits for a target that allows removals. */
  readonly removalsWaiting: boolean;
  /** When something held back becomes due (monotonic); undefined if nothing is. */
  readonly dueAt: number | undefined;
  onRequest(request: Request, now: number): Answer;
  /** The next frame on the way to the target, if one may be sent now. */
  next(target: Target): Outgoing | undefined;
  /** All that the client wants of this list is known to be there. */
  holds(list: ResourceList): boolean;
  /** Makes these due although their content did not change; `from` has it, should they be gone before they can be sent. */
  require(names: Iterable<string>, from: ResourceList): void;
}
