import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { type AuthPluginContext, ProxyAuthenticator, SigningKeys, TokenIssuer } from "../../core/auth/authenticator.ts";
import { createSigningKeys } from "../../core/auth/signing-keys.ts";
import { createTokenIssuer } from "../../core/auth/token-issuer.ts";
import { ControlPlaneCa } from "../../core/ca/control-plane-ca.ts";
import { openControlPlaneCa } from "../../core/ca/open-control-plane-ca.ts";
import { loadBuilders } from "../../core/envoy/load-builders.ts";
import { createEventLog, EventLog } from "../../core/events/event-log.ts";
import { createInsightTracker } from "../../core/insight/create-insight-tracker.ts";
import { BoundedFailureBook, FailureBook } from "../../core/insight/failure-book.ts";
import { InsightTracker } from "../../core/insight/insight-tracker.ts";
import { systemClock } from "../../core/kernel/clock.ts";
import type { Scope } from "../../core/kernel/scope.ts";
import type { LoadedSettings } from "../../core/kernel/settings/load-settings.ts";
import { trimMemory } from "../../core/kernel/trim-memory.ts";
import { Policies } from "../../core/policy/policy-catalogue.ts";
import { createPresence } from "../../core/presence/create-presence.ts";
import { PresenceOutlook } from "../../core/presence/outlook.ts";
import { Presence } from "../../core/presence/presence.ts";
import { Acknowledgements } from "../../core/push/acknowledgements.ts";
import { Configurations } from "../../core/push/configurations.ts";
import { createPushEngine } from "../../core/push/push-engine.ts";
import { SnapshotSource } from "../../core/push/snapshot.ts";
import { createSystemDns } from "../../core/push/system-dns.ts";
import { ResourceStore } from "../../core/store/resource-store.ts";
import { createWiring } from "../container.ts";
import type { ControlPlaneFacts } from "./banner.ts";
import { createPolicies } from "./create-policies.ts";
import { ensureFirstResources } from "./first-resources.ts";
import { openAuthenticator, openLifecycles } from "./open-plugins.ts";
import { openServers } from "./open-servers.ts";
import type { CpStart, OpenedStore } from "./open-store.ts";
import { SETTINGS } from "./settings-table.ts";

export interface RunningControlPlane {
  readonly facts: ControlPlaneFacts;
  /** Called once the user knows that it is ready: starts what joining does not need at once. */
  announced(): void;
}

/**
 * What a control plane consists of, in the order it is made: store, trust, engine, presence, servers. Everything closes
 * with the scope in reverse. Rejects with the error of whatever could not start; nothing is left behind then.
 */
export async function startControlPlane(start: CpStart, opened: OpenedStore): Promise<RunningControlPlane> {
  const { scope, settings, log } = start;
  const { host, store, workDir } = opened;
  const clock = systemClock;
  const wiring = createWiring();
  wiring.value(ResourceStore, store);
  const phase = (what: string) =>
    log.debug("starting", `${what} ${Math.round(performance.now())} ms after the process began`);
  phase("store open, code loaded");
  const instance = `${hostname()}-${randomBytes(2).toString("hex")}`;
  const policies = await createPolicies(host, settings, { scope, log, clock, workDir });
  wiring.value(Policies, policies);
  const { fresh } = await ensureFirstResources(store, policies.types, settings.get(SETTINGS.skipMeshCreation));

  const ca = wiring.value(
    ControlPlaneCa,
    await openControlPlaneCa({
      store,
      workDir,
      hosts: settings.get(SETTINGS.dpHosts),
      clock,
      log,
      scope,
      given: givenFiles(settings),
    }),
  );
  phase("certificates there");
  const cpCa = () => ca.publicKeyDigests;
  const signingKeys = createSigningKeys(store);
  wiring.value(SigningKeys, signingKeys);
  wiring.value(
    TokenIssuer,
    createTokenIssuer({ signingKeys, clock, cpCa, enabled: settings.get(SETTINGS.dpTokenIssuer) }),
  );
  const authContext: AuthPluginContext = { scope, log, clock, workDir, store, cpCa };
  const authType = settings.get(SETTINGS.dpAuthType) || "dpToken";
  wiring.value(ProxyAuthenticator, await openAuthenticator(host, settings, authType, authContext));

  const engine = createPushEngine({
    store,
    clock,
    log,
    scope: scope.child("push"),
    explainReplies: settings.get(SETTINGS.explainReplies),
    resolve: createSystemDns({ clock, cacheTtl: settings.get(SETTINGS.dnsCacheTtl) }),
    policies,
  });
  wiring.value(SnapshotSource, engine);
  wiring.value(Acknowledgements, engine);
  wiring.value(Configurations, engine);

  phase("engine made");
  const events = wiring.value(EventLog, createEventLog({ log, clock, instance }));
  const tracker = createInsightTracker({
    store,
    clock,
    log,
    scope: scope.child("insight"),
    instance,
    flushMs: settings.get(SETTINGS.statusFlushInterval),
    subscriptionLimit: settings.get(SETTINGS.subscriptionLimit),
  });
  wiring.value(InsightTracker, tracker);
  wiring.value(FailureBook, new BoundedFailureBook());
  const lifecycles = await openLifecycles(host, settings, { scope, log, clock, workDir });
  const presence = await createPresence({
    store,
    lifecycles,
    acknowledgements: engine,
    clock,
    log,
    events,
    scope: scope.child("presence"),
    instance,
    settings: {
      idleTimeoutMs: settings.get(SETTINGS.idleTimeout),
      cleanupAgeMs: settings.get(SETTINGS.cleanupAge),
      awaitProbes: settings.get(SETTINGS.hdsEnabled),
    },
    observer: tracker,
  });
  wiring.value(Presence, presence);
  wiring.value(PresenceOutlook, presence);
  phase("presence knows what is stored");
  // Before any server closes: streams that end from now on are the control plane's own doing, no loss of a proxy.
  scope.signal.addEventListener("abort", () => void presence.stop(), { once: true });

  const ports = await openServers(start, wiring, engine, instance);
  phase("servers listen");
  const meshes = await store.list("Mesh");
  const dataplanes = await store.list("Dataplane", { limit: 1 });
  return {
    facts: {
      ...ports,
      ...factsOf(settings, workDir, ca),
      fresh,
      meshes: meshes.items.map((mesh) => mesh.name),
      dataplanes: dataplanes.total,
      authType,
    },
    announced: () =>
      afterReady(
        scope,
        log,
        signingKeys,
        meshes.items.map((mesh) => mesh.name),
      ),
  };
}

/** What the first sidecar needs soon, but no user waits for: signing keys (50 to 500 ms of another thread) and the builders. */
function afterReady(scope: Scope, log: CpStart["log"], signingKeys: SigningKeys, meshes: readonly string[]): void {
  const background = async () => {
    for (const mesh of meshes) await signingKeys.ensureForMesh(mesh);
    await loadBuilders();
    if (!scope.closed) trimMemory();
  };
  background().catch((error: Error) => {
    if (!scope.closed) log.warn("signing-key", `a signing key could not be made yet: ${error.message}`);
  });
}

function factsOf(settings: LoadedSettings, workDir: string, ca: ControlPlaneCa) {
  return {
    workDir,
    store: settings.get(SETTINGS.storeType),
    caDigest: ca.publicKeyDigests[0] ?? "",
    ownCa: ca.origin === "own",
  };
}

function givenFiles(settings: LoadedSettings): { readonly certFile: string; readonly keyFile: string } | undefined {
  const certFile = settings.get(SETTINGS.dpTlsCertFile) || settings.get(SETTINGS.tlsCertFile);
  const keyFile = settings.get(SETTINGS.dpTlsKeyFile) || settings.get(SETTINGS.tlsKeyFile);
  return certFile ? { certFile, keyFile } : undefined;
}
