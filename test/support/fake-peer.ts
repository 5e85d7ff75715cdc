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

/** Some of them, and how many are left unread at the moment. */
export function fakePeers(count: number) {
  const peers = Array.from({ length: count }, () => new FakePeer());
  return { peers, unread: () => peers.filter(({ unread }) => unread).length };
}
