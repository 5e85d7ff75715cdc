import { hostname, networkInterfaces } from "node:os";
import { createApiServer } from "../../core/api/api-server.ts";
import { createDiagnosticsServer } from "../../core/api/diagnostics-server.ts";
import { ProxyAuthenticator, SigningKeys, TokenIssuer } from "../../core/auth/authenticator.ts";
import { ControlPlaneCa } from "../../core/ca/control-plane-ca.ts";
import type { BootstrapSettings } from "../../core/dp-server/bootstrap/bootstrap-settings.ts";
import { createDpServer, type DpServer } from "../../core/dp-server/dp-server.ts";
import type { HdsSettings } from "../../core/dp-server/health/hds-settings.ts";
import { EventLog } from "../../core/events/event-log.ts";
import { FailureBook } from "../../core/insight/failure-book.ts";
import { InsightTracker } from "../../core/insight/insight-tracker.ts";
import { systemClock } from "../../core/kernel/clock.ts";
import { VERSION } from "../../core/kernel/runtime.ts";
import type { LoadedSettings } from "../../core/kernel/settings/load-settings.ts";
import { createRegistry, resourceTypes } from "../../core/model/registry.ts";
import { Policies } from "../../core/policy/policy-catalogue.ts";
import { PresenceOutlook } from "../../core/presence/outlook.ts";
import { Presence } from "../../core/presence/presence.ts";
import { Configurations } from "../../core/push/configurations.ts";
import type { PushEngine } from "../../core/push/push-engine.ts";
import { SnapshotSource } from "../../core/push/snapshot.ts";
import { ResourceStore } from "../../core/store/resource-store.ts";
import type { MeshView } from "../../core/view/mesh-view.ts";
import type { Wiring } from "../container.ts";
import { configDocument } from "./load-cp-settings.ts";
import { createMetrics, type MetricsRegistry } from "./metrics.ts";
import type { CpStart } from "./open-store.ts";
import { SETTINGS } from "./settings-table.ts";

/** Opens the three servers of a control plane (DP server, API, diagnostics) over what is wired; ready means that all of them serve. */
export async function openServers(start: CpStart, wiring: Wiring, engine: PushEngine, instance: string) {
  const { scope, settings, log } = start;
  const clock = systemClock;
  const store = wiring.get(ResourceStore);
  const ca = wiring.get(ControlPlaneCa);
  const policies = wiring.get(Policies).types;
  let serving = false;
  let metrics: Promise<MetricsRegistry> | undefined;
  let dp: DpServer | undefined;
  const diagnostics = scope.own(
    createDiagnosticsServer({
      log,
      notReady: () => (serving ? undefined : "the servers are not up yet"),
      metrics: () => {
        metrics ??= createMetrics({ push: () => engine.stats(), dp: () => dp, store });
        return metrics;
      },
    }),
  );
  const api = scope.own(
    createApiServer({
      store,
      types: createRegistry([...resourceTypes(), ...policies.map(({ type }) => type)]),
      policies,
      tokens: wiring.get(TokenIssuer),
      signingKeys: wiring.get(SigningKeys),
      failures: wiring.get(FailureBook),
      insights: wiring.get(InsightTracker),
      clock,
      log,
      events: wiring.get(EventLog),
      configurations: wiring.get(Configurations),
      presence: wiring.get(PresenceOutlook),
      view: (mesh) => engine.view(mesh),
      identity: { hostname: hostname(), instanceId: instance, clusterId: clusterId(ca), version: VERSION },
      config: () => configDocument(settings),
      readOnly: settings.get(SETTINGS.apiReadOnly),
      localhostIsAdmin: settings.get(SETTINGS.localhostIsAdmin),
    }),
  );
  const apiHost = settings.get(SETTINGS.apiInterface);
  dp = await createDpServer({
    scope,
    clock,
    log,
    events: wiring.get(EventLog),
    store,
    authenticator: wiring.get(ProxyAuthenticator),
    ca,
    presence: wiring.get(Presence),
    policiesBehind: (proxy, resource) => engine.policiesBehind(proxy, resource),
    snapshots: wiring.get(SnapshotSource),
    outflow: engine.outflow,
    insight: wiring.get(InsightTracker),
    failures: wiring.get(FailureBook),
    instanceId: instance,
    services: (mesh) => offeredServices(engine.view(mesh)),
    host: anyAddress(),
    port: settings.get(SETTINGS.dpPort),
    bootstrap: bootstrapSettings(settings),
    hds: hdsSettings(settings),
  });
  const dpPort = dp.port;
  const apiPort = (await api.listen(apiHost, settings.get(SETTINGS.apiPort))).port;
  const diagnosticsPort = (await diagnostics.listen(anyAddress(), settings.get(SETTINGS.diagnosticsPort))).port;
  serving = true;
  const open = apiHost === "0.0.0.0" || apiHost === "::";
  return {
    dpUrls: ca.hosts
      .filter((host) => !host.includes(":") && host !== "127.0.0.1")
      .map((host) => `https://${host}:${dpPort}`),
    apiUrl: `http://${open ? "127.0.0.1" : apiHost}:${apiPort}`,
    apiOpen: open,
    diagnosticsUrl: `http://127.0.0.1:${diagnosticsPort}/ready`,
  };
}

function bootstrapSettings(settings: LoadedSettings): BootstrapSettings {
  return {
    adminAddress: settings.get(SETTINGS.adminAddress),
    adminPort: settings.get(SETTINGS.adminPort),
    adminUnixSocket: settings.get(SETTINGS.adminUnixSocket),
    adminAccessLogPath: settings.get(SETTINGS.adminAccessLogPath),
    readinessPort: settings.get(SETTINGS.readinessPort),
    xdsHost: settings.get(SETTINGS.xdsHost),
    xdsPort: settings.get(SETTINGS.xdsPort),
    xdsConnectTimeoutMs: settings.get(SETTINGS.xdsConnectTimeout),
  };
}

function hdsSettings(settings: LoadedSettings): HdsSettings {
  return {
    enabled: settings.get(SETTINGS.hdsEnabled),
    interval: settings.get(SETTINGS.hdsInterval),
    noTrafficInterval: settings.get(SETTINGS.probeNoTrafficInterval),
    checkDefaults: {
      interval: settings.get(SETTINGS.probeInterval),
      timeout: settings.get(SETTINGS.probeTimeout),
      healthyThreshold: settings.get(SETTINGS.probeHealthyThreshold),
      unhealthyThreshold: settings.get(SETTINGS.probeUnhealthyThreshold),
    },
  };
}

/** All addresses, IPv6 included where the machine has it. */
function anyAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return addresses.some(({ family }) => family === "IPv6") ? "::" : "0.0.0.0";
}

/** One for all control planes that share a store, since they share its CA. */
function clusterId(ca: ControlPlaneCa): string {
  const hex = (ca.publicKeyDigests[0] ?? "").padEnd(32, "0");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join("-");
}

/** A service that is only wanted is none to recommend. */
function offeredServices(view: MeshView | undefined): string[] {
  return [...(view?.services.values() ?? [])].filter(({ endpoints }) => endpoints.length > 0).map(({ name }) => name);
}
