import { PROBE_DEFAULTS, type ProbeSettings } from "../../model/dataplane/probes.ts";

/** `dpServer.hds` (contract, section 1.4). Times in milliseconds. */
export interface HdsSettings {
  /** Whether stock sidecars are told to probe. Without it their inbounds count as ready. Default true. */
  readonly enabled: boolean;
  /** How often a stock sidecar reports. Default 5000. */
  readonly interval: number;
  /** Of a service probe that leaves something out, and of the check of Envoy's admin interface. */
  readonly checkDefaults: ProbeSettings;
  /** Pause between probes of a port without traffic; for HDS, which sees none, between all. Default 1000. */
  readonly noTrafficInterval: number;
}

export const HDS_DEFAULTS: HdsSettings = {
  enabled: true,
  interval: 5000,
  checkDefaults: PROBE_DEFAULTS,
  noTrafficInterval: 1000,
};
