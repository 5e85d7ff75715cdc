import { isLoopback } from "../model/ip-address.ts";

/** What is known of the caller of a REST request. */
export interface ApiRequest {
  /** Address of the other end of the connection. */
  readonly remoteAddress: string | undefined;
  /** Whether the connection is TLS. */
  readonly secure: boolean;
  /** Request headers by lower-case name. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

export interface ApiUser {
  readonly name: string;
  readonly groups: readonly string[];
}

/** Who calls, and why that is not the admin. */
export interface ApiAccess {
  readonly user: ApiUser;
  readonly admin: boolean;
  /** One plain sentence without its full stop; absent for the admin. */
  readonly reason?: string | undefined;
}

const ADMIN: ApiUser = { name: "mesh-system:admin", groups: ["mesh-system:admin", "mesh-system:authenticated"] };
const ANONYMOUS: ApiUser = { name: "mesh-system:anonymous", groups: ["mesh-system:unauthenticated"] };

/** A proxy that sets one of these speaks for somebody else, who need not be on this machine. */
const FORWARDING_HEADERS = ["forwarded", "x-forwarded-for", "x-real-ip"] as const;
/** A browser marks with this header what a page of another site asked for. */
const OWN_FETCH_SITES = ["same-origin", "none"];

/**
 * Who may act as admin while there are no users: callers on this machine (contract, section 6.5). Each condition closes
 * a way in that a loopback address alone leaves open: reverse proxies, pages of other sites in a browser on this
 * machine, and names that were made to point at 127.0.0.1.
 */
export function decideApiAccess(request: ApiRequest, localhostIsAdmin = true): ApiAccess {
  const reason = localhostIsAdmin
    ? notLocal(request)
    : "callers on this machine are no admins here (apiServer.authn.localhostIsAdmin)";
  return reason === undefined ? { user: ADMIN, admin: true } : { user: ANONYMOUS, admin: false, reason };
}

function notLocal(request: ApiRequest): string | undefined {
  const header = (name: string) => request.headers[name];
  if (!request.remoteAddress || !isLoopback(request.remoteAddress)) {
    return `the request came from ${request.remoteAddress ?? "an unknown address"}`;
  }
  const host = singleText(header("host"));
  if (host === undefined || !isLocalHost(host)) return `it was addressed to ${quoted(host)} instead of localhost`;
  const forwarding = FORWARDING_HEADERS.find((name) => header(name) !== undefined);
  if (forwarding) return `a proxy passed it on (header ${forwarding})`;
  const site = header("sec-fetch-site");
  if (site !== undefined && !OWN_FETCH_SITES.includes(singleText(site) ?? ""))
    return "a page of another site made a browser send it";
  const origin = header("origin");
  if (
    origin !== undefined &&
    singleText(origin)?.toLowerCase() !== `${request.secure ? "https" : "http"}://${host.toLowerCase()}`
  ) {
    return `a page of ${quoted(singleText(origin))} made a browser send it`;
  }
  return undefined;
}

/** Exactly one value: several would let two readers of the same request see different ones. */
function singleText(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === "string" ? value : value?.length === 1 ? value[0] : undefined;
}

/** `localhost`, `127.0.0.1:5681`, `[::1]:5681`. */
function isLocalHost(host: string): boolean {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+))(?::\d{1,5})?$/.exec(host);
  return match !== null && isLoopback(match[1] ?? match[2] ?? "");
}

function quoted(text: string | undefined): string {
  return text === undefined || text === "" ? "no host" : JSON.stringify(text.slice(0, 100));
}
