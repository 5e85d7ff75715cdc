/**
 * What policies may say about the resources of a proxy. Builders take these and never name a policy; they are part of the
 * key under which a built resource is shared. All times are milliseconds; undefined leaves a field to Envoy, 0 turns a
 * timeout off. The defaults are those of the policies that every mesh begins with (contract, section 8.1), so that a mesh
 * without them behaves the same.
 */
export interface ListenerSettings {
  /** Whether several processes may listen on the port: on if the sidecar says `feature-reuse-port`. */
  readonly reusePort: boolean;
  /** A connection without bytes (tcp) or streams (http) is closed after this. */
  readonly idleTimeout: number;
  /** tcp: endpoints that are tried before the connection is given up. */
  readonly maxConnectAttempts: number;
  /** http: a stream without activity is ended after this. */
  readonly streamIdleTimeout: number;
  /** http: time for the headers of a request to arrive. */
  readonly requestHeadersTimeout: number | undefined;
  /**
   * http: what an answer that Envoy makes itself calls its maker: the Dataplane, whose name and mesh are in Envoy's
   * environment (`feature-monomesh-failures`), or the host, for the sidecars of others. Undefined leaves the answer as it is.
   */
  readonly explainReplies: "dataplane" | "host" | undefined;
  /** Whether failed requests are reported to the supervisor; it must have said `feature-monomesh-failures`. */
  readonly failureLog: boolean;
}

/** Settings of a listener that follow from what the sidecar is able to do; policies have no say in them. */
export type AbilitySettings = Pick<ListenerSettings, "reusePort" | "explainReplies" | "failureLog">;

/** Limits on what one proxy has open towards one service. */
export interface CircuitBreakerSettings {
  readonly maxConnections: number;
  readonly maxPendingRequests: number;
  readonly maxRequests: number;
  readonly maxRetries: number;
}

export interface ClusterSettings {
  readonly connectTimeout: number;
  /** http: an upstream connection without streams is closed after this. */
  readonly idleTimeout: number;
  /** http: the longest life of a stream. */
  readonly maxStreamDuration: number | undefined;
  /** http: an upstream connection takes no new streams after this. */
  readonly maxConnectionDuration: number | undefined;
  readonly circuitBreaker: CircuitBreakerSettings | undefined;
}

export interface RetrySettings {
  /** Envoy's conditions, e.g. `connect-failure`. */
  readonly on: readonly string[];
  readonly numRetries: number;
  readonly backOffBase: number;
  readonly backOffMax: number;
}

export interface RouteSettings {
  /** From the end of the request to the end of the response; 0 is no limit. */
  readonly requestTimeout: number;
  readonly retry: RetrySettings | undefined;
}

const HOUR = 3_600_000;

export const INBOUND_LISTENER: ListenerSettings = {
  reusePort: false,
  idleTimeout: 2 * HOUR,
  maxConnectAttempts: 1,
  streamIdleTimeout: HOUR,
  requestHeadersTimeout: undefined,
  explainReplies: undefined,
  failureLog: false,
};

export const INBOUND_CLUSTER: ClusterSettings = {
  connectTimeout: 10_000,
  idleTimeout: 2 * HOUR,
  maxStreamDuration: undefined,
  maxConnectionDuration: undefined,
  circuitBreaker: undefined,
};

/** No limit and no retry beside the application: whoever called has both. */
export const INBOUND_ROUTE: RouteSettings = { requestTimeout: 0, retry: undefined };

export const OUTBOUND_LISTENER: ListenerSettings = {
  ...INBOUND_LISTENER,
  idleTimeout: HOUR,
  maxConnectAttempts: 5,
  streamIdleTimeout: HOUR / 2,
};

/** Retries are not held to Kuma's three at a time: only requests that were never sent are retried, so they add no load. */
export const OUTBOUND_CLUSTER: ClusterSettings = {
  connectTimeout: 5000,
  idleTimeout: HOUR,
  maxStreamDuration: undefined,
  maxConnectionDuration: undefined,
  circuitBreaker: { maxConnections: 1024, maxPendingRequests: 1024, maxRequests: 1024, maxRetries: 1024 },
};

/**
 * Only requests of which it is certain that no application saw them are sent again, on another endpoint: the connection
 * did not come about, the peer refused the stream unread, or the connection ended before the headers were written.
 */
export const OUTBOUND_ROUTE: RouteSettings = {
  requestTimeout: 15_000,
  retry: {
    on: ["connect-failure", "refused-stream", "reset-before-request"],
    numRetries: 5,
    backOffBase: 25,
    backOffMax: 250,
  },
};

/** Everything that policies may say about one target: an inbound, or a consumed service. */
export interface TargetSettings {
  readonly listener: ListenerSettings;
  readonly cluster: ClusterSettings;
  readonly route: RouteSettings;
}

export const INBOUND: TargetSettings = { listener: INBOUND_LISTENER, cluster: INBOUND_CLUSTER, route: INBOUND_ROUTE };
export const OUTBOUND: TargetSettings = {
  listener: OUTBOUND_LISTENER,
  cluster: OUTBOUND_CLUSTER,
  route: OUTBOUND_ROUTE,
};

/** Addresses that count as inside: a request from elsewhere gets no trusted headers (contract, `ipam.knownInternalCIDRs`). */
export const INTERNAL_CIDRS: readonly string[] = [
  "10.0.0.0/8",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "127.0.0.1/32",
  "fc00::/7",
  "fd00::/8",
  "::1/128",
];
