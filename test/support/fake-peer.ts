import type { Peer } from "../../core/kernel/peer.ts";

/** Knows whether it is being read. */
export class FakePeer implements Peer {
  unread = false;

  leaveUnread(): void {
    this.unread = true;
  }

  readAgain(): void {
    this.unread = false;
  }
}
