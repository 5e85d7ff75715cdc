import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../../../cmd/demo/eventually.ts";
import type { LoadReport } from "../../../cmd/demo/load.ts";
import { timeOf } from "./leave.ts";
import type { Stage } from "./stage.ts";

const LOOK_MS = 30;

/** Times in milliseconds. */
export interface ReconnectFigures {
  readonly load: LoadReport;
  /** Until every sidecar was connected again. */
  readonly connectedMs: number;
  /** Looks at a Dataplane that did not find it, of all looks. */
  readonly missing: number;
  readonly looks: number;
}

/** Every connection between sidecars and control plane is reset under load. */
export async function playReset(stage: Stage): Promise<ReconnectFigures> {
  const { link } = stage;
  if (!link) throw new Error("this stage has no link");
  const load = await stage.loadOnBackend();
  const watch = watchDataplanes(stage);
  const since = Date.now();
  link.reset();
  const connectedMs = await allConnected(stage, since);
  await sleep(500);
  return { load: await load.stop(), connectedMs, ...(await watch.stop()) };
}

export interface BlackholeFigures extends ReconnectFigures {
  /** Until the last sidecar, and the control plane for the last sidecar, noticed. */
  readonly sidecarsMs: number;
  readonly controlPlaneMs: number;
}

/** Nothing passes between sidecars and control plane any more, and nobody is told; later it passes again. */
export async function playBlackhole(stage: Stage): Promise<BlackholeFigures> {
  const { link } = stage;
  if (!link) throw new Error("this stage has no link");
  const load = await stage.loadOnBackend();
  const watch = watchDataplanes(stage);
  const marks = new Map(stage.names.map((name) => [name, stage.sidecar(name).events.length]));
  const since = Date.now();
  link.freeze();
  const noticed = (name: string) =>
    stage
      .sidecar(name)
      .events.slice(marks.get(name))
      .find((each) => each.event === "disconnected");
  await eventually(
    async () => stage.names.filter((name) => !noticed(name)),
    (deaf) => deaf.length === 0,
    30_000,
  );
  const lost = () => stage.mesh.controlPlane().events.filter((each) => each.event === "lost" && timeOf(each) >= since);
  await eventually(
    async () => stage.names.filter((name) => !lost().some((each) => each["dataplane"] === name)),
    (held) => held.length === 0,
    30_000,
  );
  const sidecarsMs = Math.max(...stage.names.map((name) => timeOf(noticed(name)) - since));
  const controlPlaneMs = Math.max(...lost().map((each) => timeOf(each) - since));
  const thawed = Date.now();
  link.thaw();
  const connectedMs = await allConnected(stage, thawed);
  await sleep(500);
  return { load: await load.stop(), sidecarsMs, controlPlaneMs, connectedMs, ...(await watch.stop()) };
}

export interface OutageFigures extends ReconnectFigures {
  /** From the start of the new control plane's process until it was ready. */
  readonly readyMs: number;
  /** Dataplanes that changed or vanished meanwhile. */
  readonly changed: readonly string[];
}

/** The control plane is killed, and started again after a while. `connectedMs` counts from that start. */
export async function playOutage(stage: Stage, awayMs: number): Promise<OutageFigures> {
  const load = await stage.loadOnBackend();
  const before = await dataplanes(stage);
  const victim = stage.mesh.controlPlane();
  const since = Date.now();
  victim.process.kill("SIGKILL");
  await victim.exited;
  await sleep(awayMs);
  const started = performance.now();
  await stage.mesh.startControlPlane();
  const readyMs = performance.now() - started;
  const watch = watchDataplanes(stage);
  await allConnected(stage, since);
  const connectedMs = performance.now() - started;
  const after = await dataplanes(stage);
  const changed = [...before].filter(([name, text]) => after.get(name) !== text).map(([name]) => name);
  await sleep(500);
  return { load: await load.stop(), readyMs, connectedMs, changed, ...(await watch.stop()) };
}

/** Resolves when every sidecar has a stream that was opened after this wall-clock time; with the milliseconds it took. */
async function allConnected(stage: Stage, since: number): Promise<number> {
  const started = performance.now();
  await eventually(
    async () => {
      // Asking all the time would take the processor that is being measured.
      await sleep(LOOK_MS);
      const connected = await stage.mesh.allConnectedSince(since);
      return stage.names.filter((name) => !connected.has(name));
    },
    (missing) => missing.length === 0,
    30_000,
  );
  return performance.now() - started;
}

/** Asks for one Dataplane after the other, all the time. */
function watchDataplanes(stage: Stage): { stop(): Promise<{ missing: number; looks: number }> } {
  let stopped = false;
  let missing = 0;
  let looks = 0;
  const run = async () => {
    while (!stopped) {
      const name = stage.names[looks % stage.names.length];
      const { status } = await stage.mesh.api.get(`/meshes/default/dataplanes/${name}`);
      looks++;
      if (status !== 200) missing++;
      await sleep(LOOK_MS);
    }
  };
  const running = run();
  return {
    async stop() {
      stopped = true;
      await running;
      return { missing, looks };
    },
  };
}

/** Every Dataplane as the API shows it, by name. */
async function dataplanes(stage: Stage): Promise<Map<string, string>> {
  const { body } = await stage.mesh.api.get("/meshes/default/dataplanes?size=1000");
  const { items } = body as { items: readonly { readonly name: string }[] };
  return new Map(items.map((each) => [each.name, JSON.stringify(each)]));
}
