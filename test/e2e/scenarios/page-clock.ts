import { killSidecar } from "../../../cmd/demo/demo-mesh.ts";
import { eventually } from "../../../cmd/demo/eventually.ts";
import type { Stage } from "./stage.ts";

/** The page's rule with short times; for the stage's control plane. */
export const PAGE_CLOCK = {
  MONOMESH_METRICS_DATAPLANE_IDLE_TIMEOUT: "6s",
  MONOMESH_RUNTIME_UNIVERSAL_DATAPLANE_CLEANUP_AGE: "20s",
};

/** Milliseconds from the kill. */
export interface PageClockFigures {
  readonly lostMs: number;
  readonly offlineMs: number;
  readonly deletedMs: number;
}

/** A sidecar is killed on a control plane with PAGE_CLOCK and stays away. */
export async function playPageClock(stage: Stage): Promise<PageClockFigures> {
  const name = "cart-1";
  const killed = performance.now();
  killSidecar(stage.sidecar(name));
  const until = async (state: string | undefined) => {
    await eventually(
      () => stage.mesh.presence(name),
      (found) => found === state,
      40_000,
    );
    return performance.now() - killed;
  };
  return { lostMs: await until("lost"), offlineMs: await until("offline"), deletedMs: await until(undefined) };
}
