import type { XdsType } from "../envoy/encoded-resource.ts";
import { ResourceList } from "../push/resource-list.ts";
import type { Channel } from "./channel.ts";

/** One type on one ADS stream: its channel, and where that is to get to. */
export class Lane {
  readonly type: XdsType;
  readonly channel: Channel<never>;
  /** What the newest snapshot has of this type, and since which store revision. */
  list = ResourceList.EMPTY;
  since = -1;
  /** Store revision up to which the session heard that the client is synced. */
  syncedUpTo = -1;
  /** There may be something to send: the list changed, or the client said something. Others are not looked at. */
  astir = true;

  constructor(type: XdsType, channel: Channel<never>) {
    this.type = type;
    this.channel = channel;
  }

  aim(list: ResourceList, since: number): void {
    if (list !== this.list) this.astir = true;
    this.list = list;
    this.since = since;
  }

  /** The client holds all of it, and the session has not heard so. */
  get isNewlySynced(): boolean {
    return this.syncedUpTo < this.since && this.channel.subscribed && this.channel.holds(this.list);
  }
}
