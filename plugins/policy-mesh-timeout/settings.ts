import type { SettingsPatch } from "../../core/policy/policy.ts";
import type { TimeoutConf } from "./mesh-timeout.ts";

/** The settings that a conf gives, in both directions alike: "upstream" is the application for an inbound. */
export function timeoutSettings({ connectionTimeout, idleTimeout, http = {} }: TimeoutConf): SettingsPatch {
  const { requestTimeout, streamIdleTimeout, maxStreamDuration, maxConnectionDuration, requestHeadersTimeout } = http;
  return {
    listener: {
      ...given("idleTimeout", idleTimeout),
      ...given("streamIdleTimeout", streamIdleTimeout),
      ...unlimited("requestHeadersTimeout", requestHeadersTimeout),
    },
    cluster: {
      ...given("connectTimeout", connectionTimeout),
      ...given("idleTimeout", idleTimeout),
      ...unlimited("maxStreamDuration", maxStreamDuration),
      ...unlimited("maxConnectionDuration", maxConnectionDuration),
    },
    route: given("requestTimeout", requestTimeout),
  };
}

function given<Name extends string>(name: Name, ms: number | undefined): { [K in Name]?: number } {
  return (ms === undefined ? {} : { [name]: ms }) as { [K in Name]?: number };
}

/** For limits that Envoy does not have unless it is told: "off" and "never said" are the same configuration. */
function unlimited<Name extends string>(name: Name, ms: number | undefined): { [K in Name]?: number | undefined } {
  return (ms === undefined ? {} : { [name]: ms === 0 ? undefined : ms }) as { [K in Name]?: number | undefined };
}
