import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startHttpApp } from "../../../cmd/demo/apps.ts";
import { type RoleProcess, startRole } from "../../../cmd/demo/child.ts";
import { type DemoMesh, openDemoMesh, type SidecarSpec } from "../../../cmd/demo/demo-mesh.ts";
import { eventually } from "../../../cmd/demo/eventually.ts";
import { freePorts } from "../../../cmd/demo/free-ports.ts";
import { get, startLoad } from "../../../cmd/demo/load.ts";
import type { Scope } from "../../../core/kernel/scope.ts";
import { packaged } from "../../support/executable.ts";
import { openInDir } from "../../support/open-in-dir.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { SimulatedFleet } from "./simulated-fleet.ts";

/** Two control planes of the packaged executable on one PostgreSQL, with real and simulated sidecars that know both. */
export interface Replicas extends AsyncDisposable {
  readonly postgres: TestPostgres;
  readonly database: string;
  readonly planes: readonly [DemoMesh, DemoMesh];
  /** What `cp migrate up` printed. */
  readonly migrated: string;
  /** What `cp run` said before that. */
  readonly refused: { readonly exit: number | string; readonly text: string };
  readonly fleet: SimulatedFleet;
  /** Port of web-1's outbound to the service backend. */
  readonly toBackend: number;
  /** Names of the real sidecars. */
  readonly real: readonly string[];
  /** Starts a real sidecar (again); resolves when it serves. */
  start(name: string): Promise<RoleProcess>;
  /** Names of all Dataplanes that must be there. */
  names(): readonly string[];
}

export interface ReplicasOptions {
  /** Simulated sidecars. */
  readonly simulated: number;
}

export function openReplicas(options: ReplicasOptions): Promise<Replicas> {
  return openInDir("replicas", (scope, dir) => setUp(scope, dir, options));
}

async function setUp(scope: Scope, dir: string, { simulated }: ReplicasOptions): Promise<Replicas> {
  const postgres = await startPostgres();
  scope.defer(() => postgres.stop());
  const database = await postgres.createDatabase(false);
  const env = {
    KUMA_STORE_TYPE: "postgres",
    KUMA_STORE_POSTGRES_PORT: String(postgres.port),
    KUMA_STORE_POSTGRES_DB_NAME: database,
    MONOMESH_IGNORE_KUMA_ENV: "0",
  };
  const once = async (args: readonly string[]) => {
    const role = startRole(args, { ...env, MONOMESH_GENERAL_WORK_DIR: join(dir, "once") }, printing);
    const exit = await role.exited;
    return { exit, text: role.events.map((each) => JSON.stringify(each)).join("\n") };
  };
  const refused = await once(["cp", "run"]);
  const migrated = (await once(["cp", "migrate", "up"])).text;

  const plane = async (name: string) => {
    mkdirSync(join(dir, name));
    const mesh = await openDemoMesh(scope, join(dir, name), { program: packaged, env });
    await mesh.startControlPlane();
    return mesh;
  };
  // Both at once: who is first makes the mesh and the CA.
  const planes = await Promise.all([plane("one"), plane("two")]);
  const [one, two] = planes;
  const specs = new Map<string, SidecarSpec>();
  const [toBackend = 0] = await freePorts(1);
  const add = async (name: string, service: string, outbounds: ReadonlyMap<number, string> = new Map()) => {
    const [port = 0, servicePort = 0] = await freePorts(2);
    await startHttpApp(scope, name, servicePort);
    specs.set(name, { name, service, protocol: "http", port, servicePort, outbounds });
  };
  await add("backend-1", "backend");
  await add("backend-2", "backend");
  await add("web-1", "web", new Map([[toBackend, "backend"]]));
  await add("later-1", "later");
  const fleet = new SimulatedFleet(planes, simulated);
  scope.own(fleet);
  const real = ["backend-1", "backend-2", "web-1"];
  const replicas: Replicas = {
    postgres,
    database,
    planes: [one, two] as const,
    migrated,
    refused,
    fleet,
    toBackend,
    real,
    start: (name) =>
      one.startSidecar(specs.get(name) as SidecarSpec, [`--cp-address=${one.dpAddress},${two.dpAddress}`]),
    names: () => [...real, ...fleet.names],
    [Symbol.asyncDispose]: () => scope.close(),
  };
  await Promise.all([...real.map((name) => replicas.start(name)), fleet.join()]);
  await eventually(
    () => get(toBackend, "/"),
    ({ status }) => status === 200,
  );
  return replicas;
}

/** The packaged executable with its output where `startRole` reads it. */
const printing = (args: readonly string[]) => ({
  file: "sh",
  args: ["-c", 'exec "$@" 1>&2', "sh", packaged(args).file, ...packaged(args).args],
});

export interface KillReport {
  readonly requests: number;
  readonly failed: number;
  readonly reasons: ReadonlyMap<string, number>;
  readonly kills: number;
  /** How often all Dataplanes were looked for, and how often one of them was missing. */
  readonly looks: number;
  readonly missing: number;
  /** From each kill until every real sidecar that was connected there was connected again, by its own words; milliseconds. */
  readonly movedMs: readonly number[];
  /** From each kill of the leader until another had its lock; milliseconds. */
  readonly leaderMs: readonly number[];
}

/** Kills one control plane after the other, and starts it again after a while, under load. */
export async function playKills(
  replicas: Replicas,
  { everyMs, kills, downMs }: { readonly everyMs: number; readonly kills: number; readonly downMs: number },
): Promise<KillReport> {
  const load = startLoad(replicas.toBackend, 50);
  const watching = new AbortController();
  let [looks, missing] = [0, 0];
  const look = async () => {
    while (!watching.signal.aborted) {
      for (const plane of replicas.planes) {
        const answer = await plane.api.get("/meshes/default/dataplanes?size=1000").catch(() => undefined);
        if (answer?.status !== 200) continue;
        looks++;
        const found = new Set((answer.body as { items: { name: string }[] }).items.map(({ name }) => name));
        if (replicas.names().some((name) => !found.has(name))) missing++;
      }
      await sleep(200);
    }
  };
  const looking = look();
  const [movedMs, leaderMs]: [number[], number[]] = [[], []];
  for (let kill = 0; kill < kills; kill++) {
    await sleep(everyMs / 2);
    const victim = replicas.planes[kill % 2] as DemoMesh;
    const survivor = replicas.planes[(kill + 1) % 2] as DemoMesh;
    const leads = await leaderOf(replicas);
    const lost = replicas.real.map((name) =>
      countOf(survivor.sidecars.get(name) ?? replicas.planes[0].sidecars.get(name), "disconnected"),
    );
    const killed = performance.now();
    victim.controlPlane().process.kill("SIGKILL");
    await victim.controlPlane().exited;
    const replaced = eventually(
      () => leaderOf(replicas),
      (leader) => leader !== undefined,
    ).then((leader) => leader !== leads && leaderMs.push(performance.now() - killed));
    movedMs.push(await untilMoved(replicas, lost, killed));
    await replaced;
    await sleep(downMs);
    await victim.startControlPlane();
    await sleep(everyMs / 2);
  }
  watching.abort();
  await looking;
  const { requests, failed, reasons } = await load.stop();
  return { requests, failed, reasons, kills, looks, missing, movedMs, leaderMs };
}

/** Resolves when every real sidecar that lost its control plane since is connected again; milliseconds since `from`. */
async function untilMoved(replicas: Replicas, lostBefore: readonly number[], from: number): Promise<number> {
  const sidecars = replicas.real.map((name) => replicas.planes[0].sidecars.get(name) as RoleProcess);
  // Those that were connected there notice within milliseconds.
  await sleep(300);
  await eventually(
    () => Promise.resolve(sidecars.map((each) => countOf(each, "disconnected") - countOf(each, "reconnected"))),
    (open) => open.every((count) => count <= 0),
  );
  const moved = sidecars.flatMap((each, at) =>
    countOf(each, "disconnected") > (lostBefore[at] ?? 0) ? [timeOf(each, "reconnected")] : [],
  );
  const offset = Date.now() - performance.now();
  return moved.length === 0 ? 0 : Math.max(...moved) - (from + offset);
}

function countOf(sidecar: RoleProcess | undefined, event: string): number {
  return sidecar?.events.filter((each) => each.event === event).length ?? 0;
}

function timeOf(sidecar: RoleProcess, event: string): number {
  return Date.parse(String(sidecar.events.findLast((each) => each.event === event)?.["time"]));
}

/** Who holds the leader's lock: the port of its connection. */
async function leaderOf({ postgres, database }: Replicas): Promise<number | undefined> {
  const { rows } = await postgres.query(
    database,
    `SELECT client_port FROM pg_locks JOIN pg_stat_activity USING (pid)
     WHERE locktype = 'advisory' AND granted AND datname = current_database()`,
  );
  return rows[0]?.client_port;
}

/** Resolves when all proxies are shown as connected by a control plane; rejects with who is not. */
export async function untilAllConnected(replicas: Replicas, plane: DemoMesh, timeoutMs = 15_000): Promise<void> {
  await eventually(
    async () => {
      const answer = await plane.api.get("/meshes/default/dataplanes/_overview?size=1000");
      const { items } = answer.body as { items: { name: string; presence?: { state: string } }[] };
      const states = new Map(items.map(({ name, presence }) => [name, presence?.state]));
      return replicas.names().filter((name) => states.get(name) !== "connected");
    },
    (away) => away.length === 0,
    timeoutMs,
  );
}
