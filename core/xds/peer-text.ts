/**
 * A remote address for people: an IPv4 address that came in through an IPv6 socket (`::ffff:10.0.0.1:80`) looks like one, and
 * a true IPv6 address gets brackets.
 */
export function peerText(peer: string): string {
  const [, address = peer, port = ""] = /^(.*)(:\d+)$/.exec(peer) ?? [];
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, "");
  return plain.includes(":") ? `[${plain}]${port}` : `${plain}${port}`;
}
