import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { LogEvent } from "../../../cmd/demo/child.ts";
import type { LoadReport } from "../../../cmd/demo/load.ts";
import type { Stage } from "./stage.ts";

/** Times in milliseconds. */
export interface LeaveFigures {
  readonly load: LoadReport;
  /** From the leave's request to the answer that every consumer has confirmed. */
  readonly withdrawnMs: number;
  readonly consumers: number;
  readonly missing: readonly string[];
  /** Last request that reached the leaver's application, counted from SIGTERM. */
  readonly lastAfterSignalMs: number;
  /** The same, counted from the acknowledgement; negative when none came after it. */
  readonly lastAfterAckMs: number;
  /** From SIGTERM to the end of the process. */
  readonly exitMs: number;
  readonly exitCode: number | string;
  /** Status of the Dataplane's resource when the process had ended: 404 when it is gone. */
  readonly resourceStatus: number;
}

export interface LeaveOptions {
  /** As the flag takes it: `5s`. */
  readonly drainTime: string;
  /** A client keeps a connection open, so that the whole drain time is waited. Default false. */
  readonly held?: boolean;
}

/** backend-1 of two instances leaves under load, and comes back. */
export async function playLeave(stage: Stage, { drainTime, held = false }: LeaveOptions): Promise<LeaveFigures> {
  const name = "backend-1";
  await restartWith(stage, name, [`--drain-time=${drainTime}`]);
  const load = await stage.loadOnBackend();
  const client = held ? connect(stage.spec(name).port, "127.0.0.1").on("error", () => undefined) : undefined;
  const leaver = stage.sidecar(name);
  const signalled = Date.now();
  leaver.process.kill("SIGTERM");
  const exitCode = await leaver.exited;
  const exitMs = Date.now() - signalled;
  const { status } = await stage.mesh.api.get(`/meshes/default/dataplanes/${name}`);
  await sleep(300);
  const report = await load.stop();
  client?.destroy();
  const last = stage.arrivals(name).at(-1) ?? signalled;
  const withdrawn = leaver.events.find((each) => each.event === "withdrawn");
  await stage.start(name);
  return {
    load: report,
    withdrawnMs: Number(withdrawn?.["tookMs"] ?? Number.NaN),
    consumers: Number(withdrawn?.["consumers"] ?? Number.NaN),
    missing: (withdrawn?.["missing"] ?? []) as readonly string[],
    lastAfterSignalMs: last - signalled,
    lastAfterAckMs: last - timeOf(withdrawn),
    exitMs,
    exitCode,
    resourceStatus: status,
  };
}

export interface DeafLeaveFigures {
  readonly load: LoadReport;
  readonly exitMs: number;
  /** Requests that the leaver still answered while it drained. */
  readonly answeredWhileDraining: number;
}

/** backend-1 leaves while the control plane is dead: its consumers are not told, so it has to serve them to the end. */
export async function playLeaveWithoutControlPlane(stage: Stage, drainTime: string): Promise<DeafLeaveFigures> {
  const name = "backend-1";
  await restartWith(stage, name, [`--drain-time=${drainTime}`]);
  const load = await stage.loadOnBackend();
  const controlPlane = stage.mesh.controlPlane();
  controlPlane.process.kill("SIGKILL");
  await controlPlane.exited;
  const leaver = stage.sidecar(name);
  const before = stage.arrivals(name).length;
  const signalled = Date.now();
  leaver.process.kill("SIGTERM");
  await leaver.exited;
  const exitMs = Date.now() - signalled;
  const answeredWhileDraining = stage.arrivals(name).length - before;
  await sleep(300);
  const report = await load.stop();
  await stage.mesh.startControlPlane();
  await stage.start(name);
  return { load: report, exitMs, answeredWhileDraining };
}

export interface RollingFigures {
  readonly load: LoadReport;
  readonly restarts: number;
  /** Longest time from SIGTERM until the instance served again. */
  readonly longestMs: number;
}

/** Both instances of backend are restarted gracefully, one after the other, several times, under load. */
export async function playRolling(stage: Stage, rounds: number): Promise<RollingFigures> {
  const load = await stage.loadOnBackend();
  const took: number[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const name of ["backend-1", "backend-2"]) {
      const started = performance.now();
      const leaver = stage.sidecar(name);
      leaver.process.kill("SIGTERM");
      await leaver.exited;
      await stage.start(name);
      took.push(performance.now() - started);
    }
  }
  return { load: await load.stop(), restarts: took.length, longestMs: Math.max(...took) };
}

/** Ends a sidecar in an orderly way, at once, and starts it with other flags. */
async function restartWith(stage: Stage, name: string, args: readonly string[]): Promise<void> {
  await stop(stage, name);
  await stage.start(name, args);
}

/** Two signals: leaves without draining. */
export async function stop(stage: Stage, name: string): Promise<void> {
  const sidecar = stage.sidecar(name);
  sidecar.process.kill("SIGTERM");
  sidecar.process.kill("SIGINT");
  await sidecar.exited;
}

/** When a line was written, by the clock of its process. */
export function timeOf(event: LogEvent | undefined): number {
  return Date.parse(String(event?.["time"]));
}
