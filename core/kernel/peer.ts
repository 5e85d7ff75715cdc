import type { Socket } from "node:net";

/** The other end of a connection, which is read from and written to. */
export interface Peer {
  /** Leaves in the kernel what it sends, and reads it again. Both do nothing where that cannot be done. */
  leaveUnread(): void;
  readAgain(): void;
}

/**
 * Node has no public way to let a connection of TLS or HTTP/2 wait: `pause` of its socket is refused, that of its streams
 * stops nothing. Without these two it is read at all times, which is slower and does no harm.
 */
type SocketReader = Socket & { readonly _handle?: { readStop?(): void; readStart?(): void } | null };

/** The one at the other end of `socket`, which may be wrapped by TLS and HTTP/2 later. */
export function peerOf(socket: Socket): Peer {
  // It is kept, as a socket that is wrapped may let go of it.
  const { _handle: handle } = socket as SocketReader;
  return {
    leaveUnread() {
      if (!socket.destroyed) handle?.readStop?.();
    },
    readAgain() {
      if (!socket.destroyed) handle?.readStart?.();
    },
  };
}

/** Reads all of them again, `together` of them in each turn of the event loop from now on; calls `done` at the end. */
export function readAgainInGroups(peers: readonly Peer[], together: number, done: () => void = () => undefined): void {
  const next = (from: number) => {
    const to = from + together;
    for (const peer of peers.slice(from, to)) peer.readAgain();
    if (to < peers.length) setImmediate(() => next(to));
    else done();
  };
  next(0);
}
