import type { Violation } from "../../kernel/errors.ts";
import { MeshError } from "../../kernel/errors.ts";
import { isJsonObject } from "../../model/shape/proto-json.ts";

export type Json = Readonly<Record<string, unknown>>;

/** Features of a proxy that change what it gets (contract, section 3.1). */
export const FEATURE_DELTA = "feature-delta-grpc";
/** Our own sidecar: it relays Envoy's streams, adds the token there and verifies the control plane itself. */
export const FEATURE_RELAY = "feature-monomesh-relay";

/** The body of `POST /bootstrap` as a stock kuma-dp or our sidecar sends it. What is absent or null has its neutral value. */
export interface BootstrapRequest {
  readonly mesh: string;
  readonly name: string;
  readonly proxyType: string;
  /** Trimmed; undefined when there is none. */
  readonly token: string | undefined;
  /** JSON text of the definition; undefined for Indirect. */
  readonly definition: string | undefined;
  /** Goes into the node metadata as it is. */
  readonly version: Json | undefined;
  /** PEM; empty when the sidecar was given no CA. */
  readonly caCert: string;
  readonly dynamicMetadata: Json;
  readonly otelEnv: Json | undefined;
  /** 0: not named. */
  readonly dnsPort: number;
  readonly readinessPort: number;
  /** On the wire it is called `appProbeProxyDisabled`, and true means enabled. */
  readonly appProbeProxy: boolean;
  readonly features: readonly string[];
  readonly workdir: string;
  readonly metricsCertPath: string;
  readonly metricsKeyPath: string;
  readonly systemCaPath: string;
  readonly ipv6Enabled: boolean;
  readonly transparentProxy: Json | undefined;
  readonly spireSocketPath: string;
}

/** Unknown fields are ignored; a known one of the wrong kind is a violation. Throws MM104 with all of them. */
export function readBootstrapRequest(json: Json): BootstrapRequest {
  const fields = new Fields(json);
  const metrics = fields.object("metricsResources") ?? {};
  const spire = fields.object("spireResources") ?? {};
  const request: BootstrapRequest = {
    mesh: fields.text("mesh"),
    name: fields.text("name"),
    proxyType: fields.text("proxyType") || "dataplane",
    token: fields.text("dataplaneToken").trim() || undefined,
    definition: fields.text("dataplaneResource").trim() || undefined,
    version: fields.object("version"),
    caCert: fields.text("caCert"),
    dynamicMetadata: fields.object("dynamicMetadata") ?? {},
    otelEnv: fields.object("otelEnv"),
    dnsPort: fields.port("dnsPort"),
    readinessPort: fields.port("readinessPort"),
    appProbeProxy: fields.flag("appProbeProxyDisabled"),
    features: fields.texts("features"),
    workdir: fields.text("workdir"),
    metricsCertPath: textOf(metrics["certPath"]),
    metricsKeyPath: textOf(metrics["keyPath"]),
    systemCaPath: fields.text("systemCaPath"),
    ipv6Enabled: fields.flag("ipv6Enabled"),
    transparentProxy: fields.object("dataplaneConfig"),
    spireSocketPath: textOf(spire["socketPath"]),
  };
  if (fields.violations.length > 0) {
    throw new MeshError("MM104", "the request is not valid", { violations: fields.violations });
  }
  return request;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

class Fields {
  readonly violations: Violation[] = [];
  readonly #json: Json;

  constructor(json: Json) {
    this.#json = json;
  }

  text(field: string): string {
    return this.#read(field, "must be text", (value) => typeof value === "string") ?? "";
  }

  texts(field: string): readonly string[] {
    const isTexts = (value: unknown): value is string[] =>
      Array.isArray(value) && value.every((each) => typeof each === "string");
    return this.#read(field, "must be a list of texts", isTexts) ?? [];
  }

  flag(field: string): boolean {
    return this.#read(field, "must be true or false", (value) => typeof value === "boolean") ?? false;
  }

  port(field: string): number {
    const isPort = (value: unknown): value is number =>
      Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 65535;
    return this.#read(field, "must be a port, 0 to 65535", isPort) ?? 0;
  }

  object(field: string): Json | undefined {
    return this.#read(field, "must be an object", isJsonObject);
  }

  #read<T>(field: string, message: string, is: (value: unknown) => value is T): T | undefined {
    const value = this.#json[field];
    if (value === undefined || value === null) return undefined;
    if (is(value)) return value;
    this.violations.push({ field, message });
    return undefined;
  }
}
