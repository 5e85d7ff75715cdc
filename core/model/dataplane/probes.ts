import { inboundsOf, serviceAddress, servicePort } from "./access.ts";
import type { DataplaneSpec, ServiceProbe } from "./spec.ts";

/** A probe with its defaults filled in. Times in milliseconds. */
export interface ProbeSettings {
  readonly interval: number;
  readonly timeout: number;
  readonly healthyThreshold: number;
  readonly unhealthyThreshold: number;
}

/** Kuma's `dpServer.hds.checkDefaults` (contract, section 1.4). */
export const PROBE_DEFAULTS: ProbeSettings = {
  interval: 1000,
  timeout: 2000,
  healthyThreshold: 1,
  unhealthyThreshold: 1,
};

export function probeSettings(probe: ServiceProbe, defaults = PROBE_DEFAULTS): ProbeSettings {
  return {
    interval: probe.interval ?? defaults.interval,
    timeout: probe.timeout ?? defaults.timeout,
    healthyThreshold: probe.healthyThreshold ?? defaults.healthyThreshold,
    unhealthyThreshold: probe.unhealthyThreshold ?? defaults.unhealthyThreshold,
  };
}

/** The application behind one inbound, as a prober sees it. */
export interface Workload {
  /** Port of the inbound. */
  readonly port: number;
  /** Where the application listens. */
  readonly address: string;
  readonly servicePort: number;
  /** Undefined: the inbound has no service probe. */
  readonly probe?: ProbeSettings | undefined;
}

export function workloadsOf(dp: DataplaneSpec, defaults = PROBE_DEFAULTS): readonly Workload[] {
  return inboundsOf(dp).map((inbound) => ({
    port: inbound.port,
    address: serviceAddress(inbound),
    servicePort: servicePort(inbound),
    ...(inbound.serviceProbe ? { probe: probeSettings(inbound.serviceProbe, defaults) } : {}),
  }));
}
