import {
  duration,
  flag,
  integer,
  list,
  oneOf,
  port,
  positiveDuration,
  type Setting,
  text,
  variableStem,
} from "../../core/kernel/settings/setting.ts";

interface Extras {
  /** `null`: Kuma lacks the setting. Absent: Kuma's variable follows the path. */
  readonly kuma?: string | null;
  readonly secret?: boolean;
}

function setting<T>(
  path: string,
  type: Setting<T>["type"],
  fallback: T,
  description: string,
  extras: Extras = {},
): Setting<T> {
  const kumaVariable = extras.kuma === null ? undefined : (extras.kuma ?? `KUMA_${variableStem(path)}`);
  return { path, type, default: fallback, kumaVariable, secret: extras.secret ?? false, description };
}

/** A default for service probes; Kuma's variable leaves out the middle of its path. */
function check<T>(name: string, type: Setting<T>["type"], fallback: T, description: string): Setting<T> {
  const kuma = `KUMA_DP_SERVER_HDS_CHECK_${variableStem(name)}`;
  return setting(`dpServer.hds.checkDefaults.${name}`, type, fallback, description, { kuma });
}

const SECOND = 1000;
const HOUR = 3_600_000;

/** Every setting of the control plane, by use. The file, the variables, `config show` and the docs follow from this table. */
export const SETTINGS = {
  environment: setting("environment", oneOf("universal"), "universal", "Only Universal is served."),
  mode: setting(
    "mode",
    oneOf("zone", "standalone"),
    "zone",
    "One control plane and its replicas; standalone is Kuma's old word for it.",
  ),
  workDir: setting(
    "general.workDir",
    text,
    "",
    "Directory for state and certificates. Empty: /var/lib/monomesh for root, else ~/.monomesh; as kuma-cp ~/.kuma.",
  ),
  tlsCertFile: setting(
    "general.tlsCertFile",
    text,
    "",
    "PEM certificate chain for the DP server instead of one from the own CA.",
  ),
  tlsKeyFile: setting("general.tlsKeyFile", text, "", "PEM key of general.tlsCertFile."),
  dnsCacheTtl: setting(
    "general.dnsCacheTTL",
    duration,
    10 * SECOND,
    "How long an address without a TTL of its own is believed.",
  ),
  storeType: setting("store.type", text, "sqlite", "Name of a store: sqlite, memory, postgres, or a plugin's.", {}),
  sqlitePath: setting("store.sqlite.path", text, "", "Database file. Empty: monomesh.db in the work directory.", {
    kuma: null,
  }),
  postgresHost: setting(
    "store.postgres.host",
    text,
    "127.0.0.1",
    "Name or address of the PostgreSQL server, or the directory of its socket.",
  ),
  postgresPort: setting("store.postgres.port", port, 15_432, "Its port; PostgreSQL's own default is 5432."),
  postgresUser: setting("store.postgres.user", text, "kuma", "User of the database."),
  postgresPassword: setting("store.postgres.password", text, "kuma", "The user's password.", { secret: true }),
  postgresDbName: setting("store.postgres.dbName", text, "kuma", "The database."),
  postgresConnectionTimeout: setting(
    "store.postgres.connectionTimeout",
    integer(1, 3600),
    5,
    "How long to wait for a connection; seconds.",
  ),
  postgresMaxOpenConnections: setting(
    "store.postgres.maxOpenConnections",
    integer(0, 10_000),
    50,
    "Connections at the most, and one more that stays open; 0: no limit. About 4 are used.",
  ),
  postgresMinOpenConnections: setting(
    "store.postgres.minOpenConnections",
    integer(0, 10_000),
    0,
    "Connections that stay open though nobody uses them.",
  ),
  postgresMaxConnectionLifetime: setting(
    "store.postgres.maxConnectionLifetime",
    duration,
    HOUR,
    "A connection is replaced after this time.",
  ),
  postgresMaxConnectionIdleTime: setting(
    "store.postgres.maxConnectionIdleTime",
    duration,
    HOUR / 2,
    "A connection that nobody used for this time is closed.",
  ),
  postgresTlsMode: setting(
    "store.postgres.tls.mode",
    oneOf("disable", "verifyNone", "verifyCa", "verifyFull"),
    "disable",
    "TLS to the server, and what of its certificate is verified: nothing, who signed it, or also its name.",
  ),
  postgresTlsCertPath: setting("store.postgres.tls.certPath", text, "", "PEM certificate that the server asks of us."),
  postgresTlsKeyPath: setting("store.postgres.tls.keyPath", text, "", "PEM key of store.postgres.tls.certPath."),
  postgresTlsCaPath: setting(
    "store.postgres.tls.caPath",
    text,
    "",
    "PEM certificates that may sign the server's. Empty: the public authorities.",
    { kuma: "KUMA_STORE_POSTGRES_TLS_ROOT_CERT_PATH" },
  ),
  postgresTolerateNewer: setting(
    "store.postgres.tolerateNewerDBVersions",
    flag,
    false,
    "Run on a database that a newer version has migrated.",
  ),
  plugins: setting(
    "plugins",
    list,
    [] as readonly string[],
    "Plugin files to load; a relative path starts at the configuration file, in a variable at the working directory.",
    { kuma: null },
  ),
  dpPort: setting("dpServer.port", port, 5678, "Port of the DP server (TLS): bootstrap, ADS, leave."),
  dpTlsCertFile: setting("dpServer.tlsCertFile", text, "", "As general.tlsCertFile, for the DP server only."),
  dpTlsKeyFile: setting("dpServer.tlsKeyFile", text, "", "PEM key of dpServer.tlsCertFile."),
  dpHosts: setting(
    "dpServer.hosts",
    list,
    [] as readonly string[],
    "Further names and addresses for the DP server's certificate.",
    { kuma: null },
  ),
  dpAuthType: setting(
    "dpServer.authn.dpProxy.type",
    text,
    "dpToken",
    "How a sidecar proves who it is: dpToken, none (accepts everybody), or a plugin's name.",
  ),
  dpTokenIssuer: setting(
    "dpServer.authn.dpProxy.dpToken.enableIssuer",
    flag,
    true,
    "Whether this control plane makes dataplane tokens.",
    { kuma: null },
  ),
  dpTokenUseSecrets: setting(
    "dpServer.authn.dpProxy.dpToken.validator.useSecrets",
    flag,
    true,
    "Whether signing keys in the store count.",
    { kuma: null },
  ),
  hdsEnabled: setting(
    "dpServer.hds.enabled",
    flag,
    true,
    "Whether stock sidecars probe their applications; without it their inbounds count as ready. Our own always do.",
  ),
  hdsInterval: setting("dpServer.hds.interval", positiveDuration, 5 * SECOND, "How often a stock sidecar reports."),
  probeInterval: check(
    "interval",
    positiveDuration,
    SECOND,
    "Between two probes of a service probe that does not say.",
  ),
  probeTimeout: check("timeout", positiveDuration, 2 * SECOND, "How long such a probe waits for an answer."),
  probeNoTrafficInterval: check(
    "noTrafficInterval",
    positiveDuration,
    SECOND,
    "As interval, for a stock sidecar's idle ports.",
  ),
  probeHealthyThreshold: check("healthyThreshold", integer(1, 1000), 1, "Good probes in a row until ready again."),
  probeUnhealthyThreshold: check("unhealthyThreshold", integer(1, 1000), 1, "Bad probes in a row until not ready."),
  apiInterface: setting("apiServer.http.interface", text, "0.0.0.0", "Address of the REST server."),
  apiPort: setting("apiServer.http.port", port, 5681, "Port of the REST server, without TLS."),
  apiReadOnly: setting("apiServer.readOnly", flag, false, "Refuse every write through REST."),
  localhostIsAdmin: setting(
    "apiServer.authn.localhostIsAdmin",
    flag,
    true,
    "Callers on this machine may write and read secrets.",
  ),
  diagnosticsPort: setting("diagnostics.serverPort", port, 5680, "Port of /ready, /healthy and /metrics."),
  skipMeshCreation: setting("defaults.skipMeshCreation", flag, false, "Do not make the mesh called default at start."),
  subscriptionLimit: setting(
    "metrics.dataplane.subscriptionLimit",
    integer(0, 1000),
    2,
    "Subscriptions kept in an insight; 0 keeps none.",
  ),
  idleTimeout: setting(
    "metrics.dataplane.idleTimeout",
    duration,
    300 * SECOND,
    "After this time without its sidecar a proxy is Offline.",
  ),
  cleanupAge: setting(
    "runtime.universal.dataplaneCleanupAge",
    duration,
    72 * HOUR,
    "After this time without its sidecar a Dataplane is deleted.",
  ),
  statusFlushInterval: setting(
    "xdsServer.dataplaneStatusFlushInterval",
    duration,
    10 * SECOND,
    "Insights of a busy proxy are written this often at the most.",
  ),
  explainReplies: setting(
    "proxy.localReplies.explain",
    flag,
    true,
    "Whether an answer that a sidecar makes itself (503, 504) says which sidecar made it and why.",
    { kuma: null },
  ),
  adminPort: setting(
    "bootstrapServer.params.adminPort",
    port,
    9901,
    "Port named in the bootstrap of a sidecar without a Unix socket.",
  ),
  adminAddress: setting(
    "bootstrapServer.params.adminAddress",
    text,
    "127.0.0.1",
    "Address of Envoy's admin interface in a sidecar without a Unix socket.",
  ),
  adminUnixSocket: setting(
    "bootstrapServer.params.envoyAdminUnixSocket",
    flag,
    true,
    "Whether Envoy's admin interface is a Unix socket in the sidecar's work directory.",
    { kuma: "KUMA_BOOTSTRAP_SERVER_PARAMS_ENVOY_ADMIN_UNIX_SOCKET" },
  ),
  adminAccessLogPath: setting(
    "bootstrapServer.params.adminAccessLogPath",
    text,
    "/dev/null",
    "File for the access log of Envoy's admin interface.",
  ),
  xdsHost: setting(
    "bootstrapServer.params.xdsHost",
    text,
    "",
    "Name or address of the DP server for stock sidecars. Empty: the one they used for /bootstrap.",
  ),
  xdsPort: setting("bootstrapServer.params.xdsPort", port, 0, "Its port. 0: dpServer.port."),
  xdsConnectTimeout: setting(
    "bootstrapServer.params.xdsConnectTimeout",
    duration,
    SECOND,
    "How long a stock sidecar's Envoy waits for a connection to the DP server.",
  ),
  readinessPort: setting(
    "bootstrapServer.params.readinessPort",
    port,
    9902,
    "Readiness port assumed for a sidecar that names none.",
  ),
} as const;

/** Where the options of loaded plugins stand, by kind; below it the plugin's name. */
export const PLUGIN_OPTION_PATHS = {
  store: ["store"],
  auth: ["dpServer", "authn", "dpProxy"],
  lifecycle: ["lifecycle"],
  policy: ["policy"],
} as const;

/** What stands beside the names of plugins. */
const NO_PLUGIN_NAMES = [
  "sqlite",
  "memory",
  "postgres",
  "kubernetes",
  "cache",
  "unsafeDelete",
  "upsert",
  "dpToken",
  "none",
];

/** Whether a key of the file is an option of a plugin, as far as its path can say. */
export function isPluginPath(path: string): boolean {
  return Object.values(PLUGIN_OPTION_PATHS).some((prefix) => {
    const start = `${prefix.join(".")}.`;
    const [name = "", ...option] = path.startsWith(start) ? path.slice(start.length).split(".") : [];
    return option.length > 0 && !NO_PLUGIN_NAMES.includes(name);
  });
}

export const SETTING_LIST: readonly Setting[] = Object.values(SETTINGS) as readonly Setting[];

/** What Kuma 2.14 can be told and monomesh does not act on (contract, section 1.4): one warning line instead of an error. */
export const KUMA_ONLY_PATHS: readonly string[] = [
  "access",
  "apiServer.auth",
  "apiServer.authn.tokens",
  "apiServer.authn.type",
  "apiServer.basePath",
  "apiServer.corsAllowedDomains",
  "apiServer.gui",
  "apiServer.http.enabled",
  "apiServer.https",
  "apiServer.idleTimeout",
  "apiServer.readHeaderTimeout",
  "apiServer.readTimeout",
  "apiServer.rootUrl",
  "apiServer.writeTimeout",
  "bootstrapServer",
  "coreResources",
  "defaults",
  "diagnostics",
  "dnsServer",
  "dpServer.auth",
  "dpServer.authn",
  "dpServer.gracefulShutdownTimeout",
  "dpServer.hds",
  "dpServer.readHeaderTimeout",
  "eventBus",
  "experimental",
  "general",
  "interCp",
  "ipam",
  "meshService",
  "metrics",
  "monitoringAssignmentServer",
  "multizone",
  "policies",
  "proxy",
  "reports",
  "runtime",
  "store.cache",
  "store.kubernetes",
  "store.postgres.driverName",
  "store.postgres.healthCheckInterval",
  "store.postgres.maxConnectionLifetimeJitter",
  "store.postgres.maxIdleConnections",
  "store.postgres.readReplica",
  "store.unsafeDelete",
  "store.upsert",
  "tracing",
  "xdsServer",
];
