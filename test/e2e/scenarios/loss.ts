import { setTimeout as sleep } from "node:timers/promises";
import { killSidecar } from "../../../cmd/demo/demo-mesh.ts";
import { eventually } from "../../../cmd/demo/eventually.ts";
import { get, type LoadReport } from "../../../cmd/demo/load.ts";
import { stop } from "./leave.ts";
import type { Stage } from "./stage.ts";

/** Times in milliseconds. */
export interface KillFigures {
  readonly load: LoadReport;
  /** From the kill until the control plane shows it as lost. */
  readonly lostMs: number;
}

/** Supervisor and Envoy of backend-1, one of two instances, are killed under load; then it comes back. */
export async function playKill(stage: Stage): Promise<KillFigures> {
  const name = "backend-1";
  const load = await stage.loadOnBackend();
  const killed = performance.now();
  killSidecar(stage.sidecar(name));
  await eventually(
    () => stage.mesh.presence(name),
    (state) => state === "lost",
  );
  const lostMs = performance.now() - killed;
  await sleep(1000);
  const report = await load.stop();
  await stage.start(name);
  return { load: report, lostMs };
}

/** Times in milliseconds. */
export interface AppFigures {
  readonly load: LoadReport;
  /** From the end of the application until its inbound is not ready. */
  readonly noticedMs: number;
  /** From its new start to the first answer. */
  readonly backMs: number;
}

/** The application of backend-1, one of two probed instances, ends under load and is started again. */
export async function playApplication(stage: Stage): Promise<AppFigures> {
  const name = "backend-1";
  const load = await stage.loadOnBackend();
  const ended = performance.now();
  await stage.endApp(name);
  await eventually(
    async () => (await stage.mesh.api.get(`/meshes/default/dataplanes/${name}/_overview`)).body as ProbedOverview,
    ({ dataplane }) => dataplane.networking.inbound[0]?.state === "NotReady",
  );
  const noticedMs = performance.now() - ended;
  await sleep(500);
  const started = performance.now();
  await stage.startApp(name);
  await load.firstAnswer(name, 10_000);
  const backMs = performance.now() - started;
  return { load: await load.stop(), noticedMs, backMs };
}

interface ProbedOverview {
  readonly dataplane: { readonly networking: { readonly inbound: readonly { readonly state?: string }[] } };
}

/** The only instance of cart is started again after its end: milliseconds from the start to the first answer. */
export async function playRestart(stage: Stage, ended: "gracefully" | "killed"): Promise<number> {
  const name = "cart-1";
  const sidecar = stage.sidecar(name);
  if (ended === "killed") {
    killSidecar(sidecar);
    await sidecar.exited;
    await eventually(
      () => stage.mesh.presence(name),
      (state) => state === "lost",
    );
  } else {
    await stop(stage, name);
    // Nobody says any more that the service speaks HTTP, so the answer may also be a closed connection.
    await eventually(
      () =>
        get(stage.toCart, "/").then(
          ({ status }) => status,
          () => undefined,
        ),
      (status) => status !== 200,
    );
  }
  const started = performance.now();
  const serving = stage.start(name);
  await eventually(
    () => get(stage.toCart, "/"),
    ({ status }) => status === 200,
  );
  const took = performance.now() - started;
  await serving;
  return took;
}
