import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { ProxyAuthenticator } from "../../auth/authenticator.ts";
import type { ControlPlaneCa } from "../../ca/control-plane-ca.ts";
import type { Clock } from "../../kernel/clock.ts";
import { MeshError, toMeshError, type Violation } from "../../kernel/errors.ts";
import { isTransparent } from "../../model/dataplane/access.ts";
import { membershipViolations } from "../../model/membership.ts";
import { meshNameProblem, nameProblem } from "../../model/names.ts";
import type { Resource, ResourceDraft } from "../../model/resource.ts";
import { resourceToJson } from "../../model/resource-json.ts";
import { isJsonObject } from "../../model/shape/proto-json.ts";
import { DATAPLANE, type DataplaneSpec, dataplaneType } from "../../model/types/dataplane.ts";
import { MESH, type MeshSpec } from "../../model/types/mesh.ts";
import type { ResourceStore } from "../../store/resource-store.ts";
import { readDefinition } from "../definition.ts";
import { emptyAnswer, type HttpAnswer, jsonAnswer, textAnswer } from "../http-answer.ts";
import type { KnownDefinitions } from "../known-definitions.ts";
import { type BootstrapRequest, FEATURE_RELAY, readBootstrapRequest } from "./bootstrap-request.ts";
import type { BootstrapSettings } from "./bootstrap-settings.ts";
import { buildBootstrap } from "./build-bootstrap.ts";
import { checkCa, checkHost, hostOfHeader } from "./check-host.ts";
import { buildMonomeshExtra } from "./monomesh-extra.ts";
import type { AdminPlace } from "./node-metadata.ts";

export interface BootstrapDeps {
  readonly store: ResourceStore;
  readonly authenticator: ProxyAuthenticator;
  readonly ca: ControlPlaneCa;
  readonly clock: Clock;
  readonly instanceId: string;
  readonly settings: BootstrapSettings;
  readonly definitions: KnownDefinitions;
  /** Whether HDS is served. */
  readonly hds: boolean;
  /** The port that the server listens on. */
  readonly port: number;
  /** Services that a mesh offers, for hints about outbounds that lead nowhere. */
  readonly services?: ((mesh: string) => Iterable<string>) | undefined;
}

/** What of the HTTP request matters. */
export interface BootstrapCall {
  readonly body: string;
  readonly host: string | undefined;
  readonly accept: string | undefined;
}

/**
 * `POST /bootstrap` (contract, section 3). Nothing is changed by it, whatever the answer. Unlike Kuma it verifies the token
 * here already, so that a sidecar with a wrong one never starts an Envoy. Throws MeshErrors for the caller to answer with;
 * `identify` is called as soon as it is known who asks.
 */
export async function serveBootstrap(
  deps: BootstrapDeps,
  call: BootstrapCall,
  identify: (mesh: string, name: string) => void,
): Promise<HttpAnswer> {
  const json = parseObject(call.body);
  if (!json) return emptyAnswer(400);
  const request = readBootstrapRequest(json);
  const presented = presentedDataplane(request, identify);
  const { mesh, name } = presented ?? request;
  const meshResource = await deps.store.get({ type: MESH, mesh: "", name: mesh });
  if (!meshResource) throw refusal("mesh", `mesh "${mesh}" does not exist`);
  if (presented) refuseOn(membershipViolations(meshResource.spec as MeshSpec, presented.spec));
  const stored = (await deps.store.get({ type: DATAPLANE, mesh, name })) as Resource<DataplaneSpec> | undefined;
  const dataplane = presented ?? stored;
  if (!dataplane) return emptyAnswer(404);
  await authenticate(deps, request, presented, stored);
  const relays = request.features.includes(FEATURE_RELAY);
  const host = deps.settings.xdsHost || hostOfHeader(call.host);
  if (!relays) checkDirectConnection(deps, request, host);
  const incarnation = randomUUID();
  const definition = presented && definitionText(deps, presented);
  const admin = adminPlace(deps.settings, request, dataplane.spec);
  const bootstrap = buildBootstrap({
    request,
    dataplane,
    definition,
    admin,
    incarnation,
    // Our own sidecar probes by itself.
    hds: deps.hds && !relays,
    readinessPort: request.readinessPort || deps.settings.readinessPort,
    adminAccessLogPath: deps.settings.adminAccessLogPath,
    target: {
      host,
      port: deps.settings.xdsPort || deps.port,
      connectTimeoutMs: deps.settings.xdsConnectTimeoutMs,
      trustedCa: request.caCert || deps.ca.certificate,
    },
  });
  // JSON is valid YAML, and every client parses it as such.
  const text = JSON.stringify(bootstrap);
  if (call.accept !== "application/json") return textAnswer(200, text, "text/x-yaml");
  return jsonAnswer({
    bootstrap: Buffer.from(text).toString("base64"),
    kumaSidecarConfiguration: {
      networking: { corefileTemplate: null, address: dataplane.spec.networking.address },
      metrics: { aggregate: [] },
    },
    ...(relays
      ? {
          monomesh: buildMonomeshExtra({
            incarnation,
            time: deps.clock.now(),
            instanceId: deps.instanceId,
            dataplane,
            stored: presented ? undefined : stored,
            services: deps.services?.(mesh),
          }),
        }
      : {}),
  });
}

function parseObject(body: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const json: unknown = JSON.parse(body);
    return isJsonObject(json) ? json : undefined;
  } catch {
    return undefined;
  }
}

/** The definition that a Direct sidecar brings, checked; undefined for Indirect, whose mesh and name are checked instead. */
function presentedDataplane(
  request: BootstrapRequest,
  identify: (mesh: string, name: string) => void,
): ResourceDraft<DataplaneSpec> | undefined {
  identify(request.mesh, request.name);
  if (request.proxyType !== "dataplane") {
    throw refusal("proxyType", `"${request.proxyType}" is not served by this control plane, only dataplane is`);
  }
  if (request.definition === undefined) {
    refuseOn([
      ...violationOf("name", nameProblem(request.name)),
      ...violationOf("mesh", meshNameProblem(request.mesh)),
      ...dotInMesh(request.mesh),
    ]);
    return undefined;
  }
  const { draft, violations } = readDefinition(request.definition, request.mesh, request.name);
  identify(draft.mesh, draft.name);
  const differs = (field: "mesh" | "name") =>
    request[field] === "" || draft[field] === "" || request[field] === draft[field]
      ? undefined
      : `the request says "${request[field]}", the definition "${draft[field]}"`;
  const outbounds = (draft.spec.networking.outbound ?? []).length;
  const transparent = isTransparent(draft.spec) || request.transparentProxy !== undefined;
  refuseOn([
    ...violations,
    ...violationOf("mesh", differs("mesh")),
    ...violationOf("name", differs("name")),
    ...dotInMesh(draft.mesh),
    ...violationOf(
      "networking.outbound",
      transparent && outbounds > 0
        ? "must be empty with transparent proxying, which reaches services by name"
        : undefined,
    ),
  ]);
  return draft;
}

/** As the sidecar's stream will bring it. */
function definitionText({ definitions }: BootstrapDeps, presented: ResourceDraft<DataplaneSpec>): string {
  const text = JSON.stringify(resourceToJson(dataplaneType, presented));
  definitions.note(text, presented);
  return text;
}

/** Valid for what is presented and for what is stored: a token for one service must not take over another's Dataplane. */
async function authenticate(
  { authenticator }: BootstrapDeps,
  request: BootstrapRequest,
  presented: ResourceDraft | undefined,
  stored: Resource | undefined,
): Promise<void> {
  try {
    for (const dataplane of [presented, stored]) {
      if (dataplane) await authenticator.authenticate(request.token, dataplane);
    }
  } catch (thrown) {
    const error = toMeshError(thrown);
    if (request.token !== undefined || error.kind === "system") throw error;
    // Kuma answers a missing token as a problem of the field.
    const violations = [{ field: "dataplaneToken", message: error.message }];
    throw new MeshError(error.code, error.message, { violations, cause: error });
  }
}

/** For stock sidecars, whose Envoy connects by itself and must be able to verify what it meets. */
function checkDirectConnection({ ca, settings }: BootstrapDeps, request: BootstrapRequest, host: string): void {
  if (settings.xdsHost === "") checkHost(host, ca.identity.chain);
  if (request.caCert !== "") checkCa(request.caCert, "the CA that the sidecar was given");
  else checkCa(ca.certificate, "the certificate of the control plane");
}

/** Longest path of a Unix socket on Linux, the final zero aside. */
const LONGEST_SOCKET_PATH = 107;

function adminPlace(settings: BootstrapSettings, request: BootstrapRequest, dataplane: DataplaneSpec): AdminPlace {
  const port = dataplane.networking.admin?.port || settings.adminPort;
  const socketPath =
    settings.adminUnixSocket && request.workdir !== "" ? join(request.workdir, "kuma-envoy-admin.sock") : undefined;
  if (socketPath !== undefined && Buffer.byteLength(socketPath) > LONGEST_SOCKET_PATH) {
    throw refusal("workdir", `is too long: ${socketPath} must have ${LONGEST_SOCKET_PATH} bytes at most`);
  }
  return { address: settings.adminAddress, port, socketPath };
}

function dotInMesh(mesh: string): Violation[] {
  return violationOf(
    "mesh",
    mesh.includes(".")
      ? "a mesh whose name contains a dot cannot have sidecars: node ids are <mesh>.<name>"
      : undefined,
  );
}

function violationOf(field: string, message: string | undefined): Violation[] {
  return message === undefined ? [] : [{ field, message }];
}

function refuseOn(violations: readonly Violation[]): void {
  if (violations.length > 0) throw new MeshError("MM104", "the definition is not valid", { violations });
}

function refusal(field: string, message: string): MeshError {
  return new MeshError("MM104", message, { violations: [{ field, message }] });
}
