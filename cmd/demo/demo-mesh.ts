import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Scope } from "../../core/kernel/scope.ts";
import { createRestClient, expectOk, type RestClient } from "../ctl/rest-client.ts";
import { type Program, type RoleProcess, startRole } from "./child.ts";
import { freePorts } from "./free-ports.ts";

export interface SidecarSpec {
  readonly name: string;
  readonly service: string;
  readonly protocol: "http" | "tcp";
  /** Where its inbounds are reached; default 127.0.0.1. */
  readonly address?: string | undefined;
  /** Where the sidecar listens for the service, and where its application does. */
  readonly port: number;
  readonly servicePort: number;
  /** Whether its inbound has a service probe. */
  readonly probed?: boolean | undefined;
  /** Local port -> service. */
  readonly outbounds: ReadonlyMap<number, string>;
}

/** A mesh of child processes on loopback, in a directory of its own. Used by the demo and by the end-to-end tests. */
export interface DemoMesh {
  readonly dir: string;
  readonly api: RestClient;
  readonly apiUrl: string;
  readonly dpAddress: string;
  readonly controlPlane: () => RoleProcess;
  readonly sidecars: ReadonlyMap<string, RoleProcess>;
  /** Starts the control plane (again); resolves when it is ready. */
  startControlPlane(): Promise<RoleProcess>;
  /**
   * Makes token and definition; resolves when the sidecar serves. A `--cp-address` in `args` takes the place of the mesh's
   * own control plane, `program` that of the mesh's own program.
   */
  startSidecar(spec: SidecarSpec, args?: readonly string[], program?: Program): Promise<RoleProcess>;
  /** The sidecar's state as the control plane shows it. */
  presence(name: string): Promise<string | undefined>;
  /**
   * Whether the sidecar has a stream that was opened at this wall-clock time or later. After a restart of the control plane
   * its state does not tell: for a minute it stays what it was.
   */
  connectedSince(name: string, time: number): Promise<boolean>;
  /** Names of all that have. */
  allConnectedSince(time: number): Promise<ReadonlySet<string>>;
}

/** How long a sidecar of the demo drains at the most. */
const DRAIN_TIME = "5s";

export interface DemoMeshOptions {
  /** Default: this same program. */
  readonly program?: Program | undefined;
  /** Further variables for the control plane. */
  readonly env?: Readonly<Record<string, string>> | undefined;
}

export async function openDemoMesh(scope: Scope, dir: string, options: DemoMeshOptions = {}): Promise<DemoMesh> {
  const [api, dp, diagnostics] = await freePorts(3);
  const env = {
    MONOMESH_GENERAL_WORK_DIR: join(dir, "cp"),
    MONOMESH_API_SERVER_HTTP_INTERFACE: "127.0.0.1",
    MONOMESH_API_SERVER_HTTP_PORT: String(api),
    MONOMESH_DP_SERVER_PORT: String(dp),
    MONOMESH_DIAGNOSTICS_SERVER_PORT: String(diagnostics),
    MONOMESH_IGNORE_KUMA_ENV: "1",
    ...options.env,
  };
  mkdirSync(join(dir, "cp"), { recursive: true });
  const apiUrl = `http://127.0.0.1:${api}`;
  const client = createRestClient({ url: apiUrl }, { timeoutMs: 20_000 });
  const dpAddress = `https://127.0.0.1:${dp}`;
  const sidecars = new Map<string, RoleProcess>();
  const started = new Set<RoleProcess>();
  let controlPlane: RoleProcess | undefined;
  scope.defer(() => stopAll([...started], controlPlane));
  const mesh: DemoMesh = {
    dir,
    api: client,
    apiUrl,
    dpAddress,
    sidecars,
    controlPlane: () => controlPlane as RoleProcess,
    async startControlPlane() {
      scope.signal.throwIfAborted();
      controlPlane = startRole(["cp", "run"], env, options.program);
      await controlPlane.event("ready");
      return controlPlane;
    },
    async startSidecar(spec, args = [], program = options.program) {
      const token = expectOk(
        await client.post("/tokens/dataplane", { mesh: "default", name: spec.name }),
        `could not make a token for ${spec.name}`,
      );
      writeFileSync(join(dir, `${spec.name}.token`), String(token), { mode: 0o600 });
      writeFileSync(join(dir, `${spec.name}.yaml`), definition(spec));
      // What starts after the scope was closed nobody would end.
      scope.signal.throwIfAborted();
      const sidecar = startRole(
        [
          "dp",
          "run",
          ...(args.some((arg) => arg.startsWith("--cp-address")) ? [] : [`--cp-address=${dpAddress}`]),
          `--dataplane-file=${join(dir, `${spec.name}.yaml`)}`,
          `--dataplane-token-file=${join(dir, `${spec.name}.token`)}`,
          `--drain-time=${DRAIN_TIME}`,
          ...args,
        ],
        { MONOMESH_IGNORE_KUMA_ENV: "1" },
        program,
      );
      sidecars.set(spec.name, sidecar);
      started.add(sidecar);
      void sidecar.exited.then(() => started.delete(sidecar));
      await sidecar.event("serving");
      return sidecar;
    },
    async presence(name) {
      const answer = await client.get(`/meshes/default/dataplanes/${name}/_overview`);
      return (answer.body as Overview | undefined)?.presence?.state;
    },
    async connectedSince(name, time) {
      const answer = await client.get(`/meshes/default/dataplanes/${name}/_overview`);
      return hasStreamSince(answer.body as Overview, time);
    },
    async allConnectedSince(time) {
      const { body } = await client.get("/meshes/default/dataplanes/_overview?size=1000");
      const { items = [] } = body as { items?: readonly Overview[] };
      return new Set(items.filter((each) => hasStreamSince(each, time)).map((each) => each.name));
    },
  };
  return mesh;
}

function hasStreamSince(overview: Overview, time: number): boolean {
  const subscriptions = overview.dataplaneInsight?.subscriptions ?? [];
  return subscriptions.some((each) => !each.disconnectTime && Date.parse(each.connectTime) >= time);
}

interface Overview {
  readonly name: string;
  readonly presence?: { readonly state?: string };
  readonly dataplaneInsight?: {
    readonly subscriptions?: readonly { readonly connectTime: string; readonly disconnectTime?: string }[];
  };
}

function definition(spec: SidecarSpec): string {
  const outbounds = [...spec.outbounds].map(
    ([port, service]) => `  - port: ${port}\n    tags:\n      kuma.io/service: ${service}\n`,
  );
  return `type: Dataplane
mesh: default
name: ${spec.name}
networking:
  address: ${spec.address ?? "127.0.0.1"}
  inbound:
  - port: ${spec.port}
    servicePort: ${spec.servicePort}
    tags:
      kuma.io/service: ${spec.service}
      kuma.io/protocol: ${spec.protocol}
${spec.probed ? "    serviceProbe: { tcp: {} }\n" : ""}${outbounds.length > 0 ? `  outbound:\n${outbounds.join("")}` : ""}`;
}

/** Two signals end a sidecar at once, and Envoy with it; whatever is left after that is killed. */
async function stopAll(sidecars: readonly RoleProcess[], controlPlane: RoleProcess | undefined): Promise<void> {
  const all = [...sidecars, ...(controlPlane ? [controlPlane] : [])];
  for (const role of sidecars) {
    role.process.kill("SIGTERM");
    role.process.kill("SIGINT");
  }
  const within = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms).unref());
  await Promise.race([Promise.all(sidecars.map((role) => role.exited)), within(3000)]);
  controlPlane?.process.kill("SIGTERM");
  await Promise.race([Promise.all(all.map((role) => role.exited)), within(3000)]);
  for (const role of all) if (role.process.exitCode === null && role.process.signalCode === null) killSidecar(role);
}

/** Kills supervisor and Envoy of a sidecar as a crashed machine would: nobody says goodbye. */
export function killSidecar(sidecar: RoleProcess): void {
  const envoy = sidecar.events.findLast((each) => each.event === "envoy-started");
  sidecar.process.kill("SIGKILL");
  if (typeof envoy?.["pid"] !== "number") return;
  try {
    process.kill(-envoy["pid"], "SIGKILL");
  } catch (error) {
    // It was faster.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
