/** `bootstrapServer.params` (contract, section 1.4). */
export interface BootstrapSettings {
  /** Name or address of the DP server for sidecars. Default "": the one they used for `/bootstrap`. */
  readonly xdsHost: string;
  /** Port of the DP server for sidecars. Default 0: the port that the server listens on. */
  readonly xdsPort: number;
  /** Milliseconds. Default 1000. */
  readonly xdsConnectTimeoutMs: number;
  /** Where Envoy's admin interface is without a Unix socket. Default 127.0.0.1. */
  readonly adminAddress: string;
  /** Default 9901; `networking.admin.port` of the Dataplane wins. */
  readonly adminPort: number;
  /** Whether the admin interface is a Unix socket in the sidecar's work directory. Default true. */
  readonly adminUnixSocket: boolean;
  /** Default /dev/null. */
  readonly adminAccessLogPath: string;
  /** For a sidecar that names none. Default 9902. */
  readonly readinessPort: number;
}

export const BOOTSTRAP_DEFAULTS: BootstrapSettings = {
  xdsHost: "",
  xdsPort: 0,
  xdsConnectTimeoutMs: 1000,
  adminAddress: "127.0.0.1",
  adminPort: 9901,
  adminUnixSocket: true,
  adminAccessLogPath: "/dev/null",
  readinessPort: 9902,
};
