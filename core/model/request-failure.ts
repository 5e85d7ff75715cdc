/**
 * A request that failed, as one sidecar saw it. What is not known is absent. There is no query string, no header and no
 * body in it: they may hold secrets.
 */
export interface RequestFailure {
  /** Counts within one start of one sidecar, from 1. */
  readonly seq: number;
  /** When the request began, RFC 3339 with milliseconds. */
  readonly time: string;
  /** `outbound`: the application asked; `inbound`: somebody asked the application. */
  readonly direction: FailureDirection;
  /** The service that was asked; the name of the cluster where that is all that is known. */
  readonly service?: string;
  /** `GET`, `POST`; absent for TCP. */
  readonly method?: string;
  /** Without its query string. */
  readonly path?: string;
  /** 0: no answer was begun. Absent for TCP. */
  readonly status?: number;
  readonly grpcStatus?: number;
  /**
   * Who made the answer: Envoy beside this application (`sidecar`), the application that was asked (`application`), or the
   * Envoy beside it (`remote-sidecar`). Absent if there was no answer, and for TCP.
   */
  readonly answeredBy?: "sidecar" | "application" | "remote-sidecar";
  /** Address of the endpoint that was tried last. */
  readonly upstream?: string;
  /** Address of whoever asked. */
  readonly downstream?: string;
  /** Envoy's response flags: `UH`, `UF`. */
  readonly flags: readonly string[];
  /** Envoy's response code details; what went wrong with a connection; what a remote sidecar said of itself. */
  readonly details?: string;
  /** Milliseconds from the first byte of the request to the last of the answer. */
  readonly durationMs?: number;
  /** `x-request-id`, by which applications log it. */
  readonly requestId?: string;
}

export type FailureDirection = "inbound" | "outbound";

/** How many are kept of one sidecar; the oldest go. */
export const KEPT_FAILURES = 200;

/**
 * What a sidecar with this feature has set up: name and mesh of its Dataplane in Envoy's environment, and a cluster to
 * which failed requests are reported. Listeners use them only for such a sidecar.
 */
export const FAILURES_FEATURE = "feature-monomesh-failures";

/** The header by which a sidecar says that it made an answer itself. */
export const LOCAL_REPLY_HEADER = "x-monomesh-local-reply";

/** The header of an answer that says: the request never reached an application, so it may be sent again wherever it came from. */
export const UNSENT_HEADER = "x-monomesh-unsent";

/** Cluster in Envoy's bootstrap: an access log service, answered by the supervisor. */
export const FAILURE_LOG_CLUSTER = "failure_log";

/** Variables in Envoy's environment. */
export const NAME_VARIABLE = "MONOMESH_DATAPLANE_NAME";
export const MESH_VARIABLE = "MONOMESH_DATAPLANE_MESH";
