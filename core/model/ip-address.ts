import { isIP } from "node:net";

/**
 * One spelling for each IP address, so that they can be compared: IPv6 in its short form, IPv4 inside IPv6 as IPv4.
 * Anything else (a DNS name) is lower-cased; `localhost` stands for 127.0.0.1.
 */
export function canonicalHost(host: string): string {
  switch (isIP(host)) {
    case 4:
      return host;
    case 6: {
      const short = new URL(`http://[${host}]/`).hostname.slice(1, -1);
      const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(short);
      return mapped ? ipv4Of(Number.parseInt(mapped[1] ?? "", 16), Number.parseInt(mapped[2] ?? "", 16)) : short;
    }
    default:
      return host.toLowerCase() === "localhost" ? "127.0.0.1" : host.toLowerCase();
  }
}

function ipv4Of(high: number, low: number): string {
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}

/** The address that means "all addresses of this machine". */
export function isWildcard(host: string): boolean {
  const canonical = canonicalHost(host);
  return canonical === "0.0.0.0" || canonical === "::";
}

export function isLoopback(host: string): boolean {
  const canonical = canonicalHost(host);
  return canonical === "::1" || (isIP(canonical) === 4 && canonical.startsWith("127."));
}

/** Whether two listeners on the same port would clash: the same address, or one of them on all addresses. */
export function addressesOverlap(a: string, b: string): boolean {
  return canonicalHost(a) === canonicalHost(b) || isWildcard(a) || isWildcard(b);
}
