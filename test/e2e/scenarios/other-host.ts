import { setTimeout as sleep } from "node:timers/promises";
import type { RoleProcess } from "../../../cmd/demo/child.ts";
import type { SidecarSpec } from "../../../cmd/demo/demo-mesh.ts";
import { eventually } from "../../../cmd/demo/eventually.ts";
import type { LoadReport } from "../../../cmd/demo/load.ts";
import { type NetHost, openNetHost } from "../../support/net-host.ts";
import { stop } from "./leave.ts";
import type { Stage } from "./stage.ts";

/** A sidecar on a host of its own. What differs from an instance of `backend` there is given. */
export async function startOnHost(
  stage: Stage,
  host: NetHost,
  spec: Pick<SidecarSpec, "name"> & Partial<SidecarSpec>,
): Promise<RoleProcess> {
  const whole: SidecarSpec = {
    service: "backend",
    protocol: "http",
    address: host.address,
    port: 8000,
    servicePort: 8080,
    outbounds: new Map(),
    ...spec,
  };
  const controlPlane = `--cp-address=https://${host.ours}:${new URL(stage.mesh.dpAddress).port}`;
  return stage.mesh.startSidecar(whole, [controlPlane], host.program);
}

/** Times in milliseconds. */
export interface VanishFigures {
  readonly load: LoadReport;
  /** From the moment the cable is pulled until its endpoints are the last choice. */
  readonly lostMs: number;
  /** Requests that failed after that. */
  readonly failedAfter: number;
}

/** The host of one of three instances of backend vanishes without a word, under load. */
export async function playVanish(stage: Stage): Promise<VanishFigures> {
  const name = "backend-9";
  const host = openNetHost(stage.scope);
  await host.startApp(name, 8080);
  await startOnHost(stage, host, { name });
  const load = await stage.loadOnBackend();
  await load.firstAnswer(name, 10_000);
  const pulled = performance.now();
  host.unplug();
  await eventually(
    () => stage.mesh.presence(name),
    (state) => state === "lost",
    30_000,
  );
  const lostMs = performance.now() - pulled;
  // Requests that were sent before may wait for their time to run out.
  await sleep(3500);
  const before = await load.stop();
  const second = await stage.loadOnBackend();
  await sleep(1000);
  const after = await second.stop();
  host.plug();
  await stop(stage, name);
  return { load: before, lostMs, failedAfter: after.failed };
}
