import type { Protocol } from "../model/dataplane/access.ts";

/** What each protocol can also be treated as, best first. */
const STACKS: Readonly<Record<Protocol, readonly Protocol[]>> = {
  grpc: ["grpc", "http2", "http", "tcp"],
  http2: ["http2", "http", "tcp"],
  http: ["http", "tcp"],
  kafka: ["kafka", "tcp"],
  tcp: ["tcp"],
};

/**
 * The best protocol that every inbound of a service speaks: grpc and http2 give http2, http and tcp give tcp (contract,
 * section 4.8). A service that nobody provides is tcp.
 */
export function commonProtocol(protocols: Iterable<Protocol>): Protocol {
  let common: Protocol | undefined;
  for (const protocol of protocols) {
    const stack: readonly Protocol[] = STACKS[protocol];
    common = common === undefined ? protocol : (STACKS[common].find((each) => stack.includes(each)) ?? "tcp");
  }
  return common ?? "tcp";
}
