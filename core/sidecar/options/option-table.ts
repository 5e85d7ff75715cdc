import { flag, integer, oneOf, positiveDuration, type SettingType, text } from "../../kernel/settings/setting.ts";
import { type DpOption, option } from "./option.ts";

const RUNTIME = "DATAPLANE_RUNTIME";
const SECOND = 1000;

const listenPort: SettingType<number> = { ...integer(1, 65_535), expects: "a port number (1 to 65535)" };

const envoyLevel = oneOf("", "trace", "debug", "info", "warning", "warn", "error", "critical", "off");

const notYet = (what: string) => (value: unknown) =>
  value ? `${what} is not done by monomesh yet; leave the setting out.` : undefined;

/** Everything `dp run` knows. The help, the variables and the docs follow from this table. */
export const OPTIONS = {
  cpAddress: option(
    text,
    "https://localhost:5678",
    "Address of the control plane's DP server. Of several control planes: repeat it, or separate them by commas.",
    { flag: "cp-address", variable: "CONTROL_PLANE_URL", takes: "URL", repeatable: true },
  ),
  dataplaneFile: option(text, "", "Definition of the Dataplane; - reads stdin. May be a Mustache template.", {
    flag: "dataplane-file",
    short: "d",
    variable: `${RUNTIME}_RESOURCE_PATH`,
    takes: "FILE",
  }),
  dataplane: option(text, "", "The definition itself instead of a file.", {
    flag: "dataplane",
    variable: `${RUNTIME}_RESOURCE`,
    takes: "YAML",
  }),
  name: option(text, "", "Name of a Dataplane that the control plane already has (Indirect); not with a definition.", {
    flag: "name",
    variable: "DATAPLANE_NAME",
    takes: "NAME",
  }),
  mesh: option(text, "", "Mesh of that Dataplane.", { flag: "mesh", variable: "DATAPLANE_MESH", takes: "NAME" }),
  tokenFile: option(text, "", "File that holds the token. May change while the sidecar runs.", {
    flag: "dataplane-token-file",
    variable: `${RUNTIME}_TOKEN_PATH`,
    takes: "FILE",
  }),
  token: option(text, "", "The token itself. Everybody on the machine sees flags: a file or a variable is better.", {
    flag: "dataplane-token",
    variable: `${RUNTIME}_TOKEN`,
    takes: "TOKEN",
    secret: true,
  }),
  caCertFile: option(
    text,
    "",
    "CA of the control plane, PEM. Without it the token's CA digest, then the system decides.",
    {
      flag: "ca-cert-file",
      variable: "CONTROL_PLANE_CA_CERT_FILE",
      takes: "FILE",
    },
  ),
  caCert: option(text, "", "The CA itself, PEM; wins over the file.", { variable: "CONTROL_PLANE_CA_CERT" }),
  skipVerify: option(flag, false, "Do not verify the control plane. Said in a warning at each start.", {
    flag: "skip-verify",
    variable: "CONTROL_PLANE_TLS_SKIP_VERIFY",
  }),
  retryBackoff: option(positiveDuration, SECOND, "Longest pause between attempts to reach the control plane.", {
    variable: "CONTROL_PLANE_RETRY_BACKOFF",
  }),
  retryMaxDuration: option(positiveDuration, 300 * SECOND, "After this time without an answer the start is given up.", {
    variable: "CONTROL_PLANE_RETRY_MAX_DURATION",
  }),
  drainTime: option(positiveDuration, 30 * SECOND, "How long to drain at the most when leaving.", {
    flag: "drain-time",
    variable: "DATAPLANE_DRAIN_TIME",
    takes: "DURATION",
  }),
  waitForApp: option(
    flag,
    false,
    "An inbound without a service probe gets no traffic before its application answers for the first time.",
    { flag: "wait-for-app", variable: "DATAPLANE_WAIT_FOR_APP", ours: true },
  ),
  readinessPort: option(listenPort, 9902, "Port of GET /ready on loopback; if it is taken, a free one is chosen.", {
    variable: "READINESS_PORT",
  }),
  workDir: option(
    text,
    "",
    "Directory for sockets and Envoy's bootstrap. Default: a private one, removed at the end.",
    {
      flag: "work-dir",
      variable: `${RUNTIME}_WORK_DIR`,
      takes: "DIR",
    },
  ),
  configDir: option(text, "", "Old name of --work-dir.", {
    flag: "config-dir",
    variable: `${RUNTIME}_CONFIG_DIR`,
    takes: "DIR",
    hidden: true,
  }),
  socketDir: option(text, "", "Old name of --work-dir.", { variable: `${RUNTIME}_SOCKET_DIR`, hidden: true }),
  binaryPath: option(text, "", "Envoy. Default: ENVOY_BINARY, beside this executable, on the PATH.", {
    flag: "binary-path",
    variable: `${RUNTIME}_BINARY_PATH`,
    takes: "FILE",
  }),
  concurrency: option(integer(0, 1024), 0, "Envoy's worker threads; 0: one for each CPU that it may use.", {
    flag: "concurrency",
    variable: `${RUNTIME}_CONCURRENCY`,
    takes: "N",
  }),
  envoyLogLevel: option(envoyLevel, "", "Shows Envoy's own log from this level on. Default: warnings, made short.", {
    flag: "envoy-log-level",
    variable: `${RUNTIME}_ENVOY_LOG_LEVEL`,
    takes: "LEVEL",
  }),
  envoyComponentLogLevel: option(text, "", "Envoy's log levels by component, as upstream:debug,http:trace.", {
    flag: "envoy-component-log-level",
    variable: `${RUNTIME}_ENVOY_COMPONENT_LOG_LEVEL`,
    takes: "LIST",
  }),
  logLevel: option(oneOf("off", "error", "warn", "info", "debug"), "info", "off, error, warn, info or debug.", {
    flag: "log-level",
    takes: "LEVEL",
  }),
  xdsVariant: option(
    oneOf("", "GRPC", "DELTA_GRPC"),
    "",
    "Variant of xDS: GRPC (all of a type at once) or DELTA_GRPC.",
    {
      variable: `${RUNTIME}_ENVOY_XDS_TRANSPORT_PROTOCOL_VARIANT`,
    },
  ),
  ipv6Enabled: option(flag, true, "False keeps IPv6 out of the configuration.", {
    variable: `${RUNTIME}_IPV6_ENABLED`,
  }),
  systemCaPath: option(text, "", "The system's CA bundle, for policies that name it. Default: found.", {
    variable: `${RUNTIME}_DYNAMIC_SYSTEM_CA_PATH`,
  }),
  maxMemoryBytes: option(integer(0, Number.MAX_SAFE_INTEGER), 0, "Envoy's memory limit; 0: that of the cgroup.", {
    variable: "DATAPLANE_RESOURCES_MAX_MEMORY_BYTES",
  }),

  // What Kuma does and monomesh does not do yet: stops the start.
  proxyType: option(oneOf("dataplane", "ingress", "egress"), "dataplane", "Only dataplane.", {
    flag: "proxy-type",
    variable: "DATAPLANE_PROXY_TYPE",
    takes: "TYPE",
    hidden: true,
    refuse: (value) => (value === "dataplane" ? undefined : `a zone ${value} is not done by monomesh yet.`),
  }),
  transparentProxy: option(flag, false, "Transparent proxying.", {
    flag: "transparent-proxy",
    hidden: true,
    refuse: notYet("transparent proxying"),
  }),
  transparentProxyConfig: option(text, "", "Transparent proxying.", {
    flag: "transparent-proxy-config",
    takes: "FILE",
    hidden: true,
    refuse: notYet("transparent proxying"),
  }),
  bindOutbounds: option(flag, false, "Bind outbounds to their virtual addresses.", {
    flag: "bind-outbounds",
    variable: `${RUNTIME}_BIND_OUTBOUNDS`,
    hidden: true,
    refuse: notYet("binding outbounds to virtual addresses"),
  }),
  metricsCertPath: option(text, "", "Certificate of the metrics listener.", {
    flag: "metrics-cert-path",
    variable: `${RUNTIME}_METRICS_CERT_PATH`,
    takes: "FILE",
    hidden: true,
    refuse: notYet("TLS for metrics"),
  }),
  metricsKeyPath: option(text, "", "Key of the metrics listener.", {
    flag: "metrics-key-path",
    variable: `${RUNTIME}_METRICS_KEY_PATH`,
    takes: "FILE",
    hidden: true,
    refuse: notYet("TLS for metrics"),
  }),
  dnsProxyPort: option(integer(0, 65_535), 0, "Port of the DNS proxy.", {
    variable: "DNS_PROXY_PORT",
    hidden: true,
    refuse: notYet("the DNS proxy"),
  }),
  probeProxyPort: option(integer(0, 65_535), 0, "Port of the probe proxy.", {
    variable: "APPLICATION_PROBE_PROXY_PORT",
    hidden: true,
    refuse: notYet("the proxy for Kubernetes' probes"),
  }),
  unifiedNaming: option(flag, false, "Unified resource names.", {
    variable: `${RUNTIME}_UNIFIED_RESOURCE_NAMING_ENABLED`,
    hidden: true,
    refuse: notYet("unified resource naming"),
  }),
  spireSupported: option(flag, false, "SPIRE.", {
    variable: `${RUNTIME}_SPIRE_SUPPORTED`,
    hidden: true,
    refuse: notYet("identity from SPIRE"),
  }),
  spireSocketPath: option(text, "", "SPIRE's socket.", {
    variable: `${RUNTIME}_SPIRE_SOCKET_PATH`,
    hidden: true,
    refuse: notYet("identity from SPIRE"),
  }),
  logOutputPath: option(text, "", "Log file.", {
    flag: "log-output-path",
    takes: "FILE",
    hidden: true,
    refuse: (value) =>
      value ? "a log file is not written by monomesh yet; redirect stderr (2>> FILE) instead." : undefined,
  }),

  // What is harmless: names that Kuma's users have in their scripts and that change nothing here.
  dnsEnabled: accepted(flag, false, "dns-enabled", "DNS_ENABLED"),
  dnsCorednsPort: accepted(text, "", "dns-coredns-port", "DNS_CORE_DNS_PORT"),
  dnsEnvoyPort: accepted(text, "", "dns-envoy-port", "DNS_ENVOY_DNS_PORT"),
  dnsPrometheusPort: accepted(text, "", "dns-prometheus-port", "DNS_PROMETHEUS_PORT"),
  dnsCorednsPath: accepted(text, "", "dns-coredns-path", "DNS_CORE_DNS_BINARY_PATH"),
  dnsCorednsTemplate: accepted(text, "", "dns-coredns-config-template-path", "DNS_CORE_DNS_CONFIG_TEMPLATE_PATH"),
  dnsConfigDir: accepted(text, "", "dns-server-config-dir", "DNS_CONFIG_DIR"),
  dnsCorednsEmptyPort: accepted(text, "", "dns-coredns-empty-port", "DNS_CORE_DNS_EMPTY_PORT"),
  dnsEnableLogging: accepted(flag, false, "dns-enable-logging", "DNS_ENABLE_LOGGING"),
  bootstrapVersion: accepted(text, "", "bootstrap-version", "DATAPLANE_BOOTSTRAP_VERSION"),
  logMaxSize: accepted(text, "", "log-max-size", undefined),
  logMaxRetainedFiles: accepted(text, "", "log-max-retained-files", undefined),
  logMaxAge: accepted(text, "", "log-max-age", undefined),
  strictInboundPorts: accepted(flag, true, undefined, `${RUNTIME}_STRICT_INBOUND_PORTS_ENABLED`),
  otelPipe: accepted(flag, true, undefined, `${RUNTIME}_OTEL_PIPE_ENABLED`),
  reusePort: accepted(flag, true, undefined, `${RUNTIME}_REUSE_PORT_ENABLED`),
  refreshInterval: accepted(text, "", undefined, `${RUNTIME}_DYNAMIC_CONFIGURATION_REFRESH_INTERVAL`),
  resilientBaseBackoff: accepted(text, "", undefined, "DATAPLANE_RESILIENT_COMPONENT_BASE_BACKOFF"),
  resilientMaxBackoff: accepted(text, "", undefined, "DATAPLANE_RESILIENT_COMPONENT_MAX_BACKOFF"),
} as const;

function accepted<T>(
  type: SettingType<T>,
  fallback: NoInfer<T>,
  flagName: string | undefined,
  variable: string | undefined,
): DpOption<T> {
  return option(type, fallback, "Accepted, without effect.", {
    hidden: true,
    ...(flagName === undefined ? {} : { flag: flagName }),
    ...(variable === undefined ? {} : { variable }),
    ...(type === (flag as unknown) ? {} : { takes: "VALUE" }),
  });
}

export type OptionKey = keyof typeof OPTIONS;
export type OptionValues = { readonly [K in OptionKey]: (typeof OPTIONS)[K] extends DpOption<infer T> ? T : never };

export const OPTION_LIST = Object.entries(OPTIONS) as [OptionKey, DpOption][];

/** Whether a variable of either prefix belongs to the sidecar; the other roles leave it alone then. */
export function isSidecarVariable(name: string): boolean {
  const rest = /^(?:MONOMESH|KUMA)_(.+)$/.exec(name)?.[1];
  return rest !== undefined && OPTION_LIST.some(([, each]) => each.variable === rest);
}
