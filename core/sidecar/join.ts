import { rm, writeFile } from "node:fs/promises";
import { isIP } from "node:net";
import { join } from "node:path";
import type { Clock } from "../kernel/clock.ts";
import type { MeshError } from "../kernel/errors.ts";
import type { Logger } from "../kernel/log.ts";
import type { Scope } from "../kernel/scope.ts";
import { MESH_VARIABLE, NAME_VARIABLE } from "../model/request-failure.ts";
import { draftFromJson } from "../model/resource-json.ts";
import { type DataplaneSpec, dataplaneType, inboundsOf } from "../model/types/dataplane.ts";
import { fetchBootstrap } from "./bootstrap/fetch-bootstrap.ts";
import { buildBootstrapRequest } from "./bootstrap/request.ts";
import { adminAddressOf, rewriteBootstrap } from "./bootstrap/rewrite.ts";
import { checkPorts, type PortCheckResult } from "./checks/port-check.ts";
import { holdersOfPort, holderText } from "./checks/socket-holders.ts";
import type { Leaver } from "./control-plane/leave.ts";
import { EnvoyAdmin } from "./envoy/envoy-admin.ts";
import { EnvoyKeeper } from "./envoy/envoy-keeper.ts";
import { type FrozenEnvoy, watchEnvoy } from "./envoy/envoy-watch.ts";
import { retireLeftover, stopLeftover } from "./envoy/leftover.ts";
import { openFailureLog } from "./failures/open-failure-log.ts";
import { chosenWorkDir } from "./options/read-options.ts";
import type { FoundEnvoy, SidecarPlan } from "./plan.ts";
import type { ApplicationProbes } from "./probes/application-probes.ts";
import { openProbes } from "./probes/open-probes.ts";
import { openReadinessServer, type Readiness } from "./readiness-server.ts";
import { openSession } from "./relay/open-session.ts";
import { waitUntilServing } from "./serving.ts";
import type { StartStory } from "./story/start-story.ts";
import { openWorkDir, type WorkDir } from "./work-dir/open-work-dir.ts";

const NO_WAIT = "--wait-for-app has no effect: this control plane does not listen to it";

/** What exists of a sidecar at some moment of its start; the supervisor tidies up by it. */
export interface SidecarParts {
  admin?: EnvoyAdmin;
  keeper?: EnvoyKeeper;
  /** Aborted when it leaves: an Envoy that drains is not replaced. */
  watch?: AbortController;
  probes?: ApplicationProbes;
  /** Set as soon as the control plane may know this proxy; undefined with a stock control plane, which has no leave. */
  leaver?: Leaver;
}

export interface JoinOptions {
  readonly plan: SidecarPlan;
  readonly parts: SidecarParts;
  readonly scope: Scope;
  readonly clock: Clock;
  readonly log: Logger;
  readonly story: StartStory;
  /** What `GET /ready` says. */
  readiness(): Promise<Readiness>;
  /** Envoy is there but does not move, or does again. */
  onFrozen(frozen: FrozenEnvoy | undefined): void;
  /** The sidecar cannot go on. */
  fail(error: MeshError): void;
  /** Whether it serves already: a refusal is then no reason to end. */
  served(): boolean;
}

/** What the start has to do comes first; milliseconds. */
const PREPARE_AFTER_MS = 2000;

/** From nothing to serving (docs/sidecar.md). Whatever it starts belongs to the scope. Rejects with the reason when it cannot. */
export async function joinMesh(options: JoinOptions): Promise<void> {
  const { plan, parts, scope, clock, log, story } = options;
  const { values } = plan.options;
  // Its handshakes pass while Envoy is looked at; what may be wrong with it is said when the bootstrap is asked for.
  plan.link.trust(scope.signal).catch(() => undefined);
  const envoy = await plan.envoy;
  scope.signal.throwIfAborted();
  story.starting(envoy.version);
  story.dataplane(plan);
  const workDir = openWorkDir({
    mesh: plan.mesh,
    name: plan.name,
    controlPlane: plan.link.address,
    chosen: chosenWorkDir(values),
    env: plan.env,
    scope,
  });
  const presented = plan.definition?.draft.spec;
  const presentedPorts = presented && (await tryPorts(presented, workDir, log));
  const host = isIP(presented?.networking.address ?? "") === 6 ? "::1" : "127.0.0.1";
  const readiness = await openReadinessServer(scope, host, values.readinessPort, options.readiness);
  const takenBy = readiness.moved ? holdersOfPort(values.readinessPort)[0] : undefined;

  const asker = { name: plan.name, address: addressText(plan), tokenGiven: (await plan.token.current()) !== undefined };
  const fetched = await fetchBootstrap({
    link: plan.link,
    request: () => bootstrapRequest(options, envoy, readiness.port, workDir),
    asker,
    indirect: plan.definition === undefined,
    mesh: plan.mesh,
    clock,
    log,
    signal: scope.signal,
    maxBackoff: values.retryBackoff,
    maxDuration: values.retryMaxDuration,
  });
  const trust = await plan.link.trust(scope.signal);
  story.controlPlane(plan, trust, fetched.skew);
  if (fetched.incarnation !== undefined)
    parts.leaver = { mesh: plan.mesh, name: plan.name, incarnation: fetched.incarnation };

  const spec = presented ?? storedSpec(fetched.extra.dataplane);
  const ports = presentedPorts ?? (spec && (await tryPorts(spec, workDir, log)));
  const failureLog = openFailureLog({ spec, link: plan.link, clock, scope, who: () => parts.leaver });
  const { waitForApp } = values;
  if (waitForApp && fetched.incarnation === undefined) log.warn("note", NO_WAIT);
  const probes = openProbes({ ...options, spec, indirect: presented === undefined, waitForApp });
  parts.probes = probes;
  const envoyEnd = { get: () => parts.keeper?.lastEnd, forget: () => parts.keeper?.forgetLastEnd() };
  const relaySocket = join(workDir.socketDir, "relay.sock");
  const bootstrap = rewriteBootstrap(fetched.bootstrap, relaySocket, await plan.token.current());
  const adminAddress = adminAddressOf(bootstrap) ?? { host: "127.0.0.1", port: 9901 };
  const admin = new EnvoyAdmin(adminAddress);
  parts.admin = admin;
  const config = join(workDir.path, "bootstrap.json");
  scope.defer(() => rm(config, { force: true }));
  // A file that was there would keep its mode.
  await rm(config, { force: true });
  await Promise.all([
    writeFile(config, JSON.stringify(bootstrap), { mode: 0o600 }),
    openSession({ ...options, ...failureLog, socket: relaySocket, probes, incarnation: fetched.incarnation, envoyEnd }),
  ]);

  const adminSocket = "path" in adminAddress ? adminAddress.path : undefined;
  if (adminSocket) scope.defer(() => rm(adminSocket, { force: true }));
  const keeper = new EnvoyKeeper({
    command: {
      binary: envoy.path,
      config,
      drainTime: values.drainTime,
      logLevel: values.envoyLogLevel,
      componentLogLevel: values.envoyComponentLogLevel,
      concurrency: values.concurrency,
      env: { [NAME_VARIABLE]: plan.name, [MESH_VARIABLE]: plan.mesh },
    },
    clock,
    log,
    verbatim: values.envoyLogLevel !== "" || values.envoyComponentLogLevel !== "",
    onStart: (pid) => workDir.recordEnvoy(pid, adminSocket),
    onFailure: options.fail,
  });
  parts.keeper = keeper;
  scope.defer(() => keeper.stop("gracefully"));
  const { leftover } = workDir;
  const gapNeeded = ports?.shareable === false;
  if (leftover && gapNeeded) await stopLeftover({ leftover, clock, log });
  keeper.start();
  await waitUntilServing({
    admin,
    clock,
    signal: scope.signal,
    inboundPorts: spec ? inboundsOf(spec).map((each) => each.port) : [],
    onDelay: (waitingFor) => log.info("waiting", `waiting for ${waitingFor}`),
  });
  keeper.served();
  if (plan.link.several) scope.own(clock.after(PREPARE_AFTER_MS, () => void plan.link.prepare(scope.signal)));
  parts.watch = new AbortController();
  void watchEnvoy({
    admin,
    pid: () => keeper.pid,
    replace: (why) => keeper.replace(why),
    onChange: options.onFrozen,
    clock,
    log,
    signal: AbortSignal.any([scope.signal, parts.watch.signal]),
  });
  if (leftover && !gapNeeded) retireLeftover({ leftover, drainTime: values.drainTime, scope, clock, log });
  await story.serving({
    plan,
    spec,
    unknownServices: fetched.extra.unknownServices ?? {},
    notReady: probes.health.notReady,
    admin,
    readiness,
    takenBy: takenBy && holderText(takenBy, workDir.describeProcess),
  });
}

/** Tries the ports before anything is started on them; what could not be tried is said. */
async function tryPorts(spec: DataplaneSpec, workDir: WorkDir, log: Logger): Promise<PortCheckResult> {
  const ports = await checkPorts(spec, {
    replaced: workDir.leftover?.envoy.pid,
    describeProcess: workDir.describeProcess,
  });
  for (const note of ports.notes) log.warn("port-untried", note);
  return ports;
}

/** Indirect: the Dataplane that a monomesh control plane has; a stock one does not show it. */
function storedSpec(json: Readonly<Record<string, unknown>> | undefined): DataplaneSpec | undefined {
  return json && draftFromJson(dataplaneType, json, { strict: false }).draft.spec;
}

function addressText(plan: SidecarPlan): string {
  return plan.link.addresses.map(({ text }) => text).join(" or ");
}

async function bootstrapRequest(
  { plan, scope }: JoinOptions,
  envoy: FoundEnvoy,
  readinessPort: number,
  workDir: WorkDir,
) {
  const { values } = plan.options;
  return buildBootstrapRequest({
    mesh: plan.mesh,
    name: plan.name,
    token: await plan.token.current(),
    definition: plan.definition?.json,
    envoy,
    caPem: (await plan.link.trust(scope.signal)).caPem,
    readinessPort,
    workDir: workDir.socketDir,
    delta: values.xdsVariant === "DELTA_GRPC",
    ipv6: values.ipv6Enabled,
    systemCaPath: values.systemCaPath,
    maxMemory: values.maxMemoryBytes,
    hostIp: plan.env["HOST_IP"] || undefined,
  });
}
