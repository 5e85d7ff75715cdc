import { setTimeout as sleep } from "node:timers/promises";
import type { Scope } from "../../core/kernel/scope.ts";
import { ping, startHttpApp, startTcpApp } from "./apps.ts";
import { type DemoMesh, killSidecar, type SidecarSpec } from "./demo-mesh.ts";
import { eventually } from "./eventually.ts";
import { freePorts } from "./free-ports.ts";
import { get, type LoadReport, startLoad } from "./load.ts";

/** One step of the demo: what is done, and the sentence that tells how it went. */
export interface Step {
  readonly title: string;
  run(): Promise<string>;
}

const RATE = 100;

/** The seven steps (ux.md, section 3.6). Every figure is measured in the run that prints it. */
export async function demoSteps(scope: Scope, mesh: DemoMesh): Promise<Step[]> {
  const [toBackend = 0, toRedis = 0, ...ports] = await freePorts(10);
  const spec = (
    name: string,
    service: string,
    protocol: "http" | "tcp",
    index: number,
    outbounds: SidecarSpec["outbounds"] = new Map(),
  ): SidecarSpec => ({
    name,
    service,
    protocol,
    port: ports[index * 2] ?? 0,
    servicePort: ports[index * 2 + 1] ?? 0,
    outbounds,
  });
  const redis = spec("redis-1", "redis", "tcp", 0);
  const backend1 = spec("backend-1", "backend", "http", 1);
  const backend2 = spec("backend-2", "backend", "http", 2);
  const web = spec(
    "web-1",
    "web",
    "http",
    3,
    new Map([
      [toBackend, "backend"],
      [toRedis, "redis"],
    ]),
  );
  for (const each of [backend1, backend2, web]) await startHttpApp(scope, each.name, each.servicePort);
  const tcp = await startTcpApp(scope, redis.servicePort);
  // Who interrupts the demo waits for no step: all that a step waits for ends with the scope.
  const { signal } = scope;
  const soon = <T>(attempt: () => Promise<T>, good: (value: T) => boolean = () => true) =>
    eventually(attempt, good, 10_000, signal);
  const pause = (ms: number) => sleep(ms, undefined, { signal });

  return [
    {
      title: "control plane",
      run: () =>
        timed(
          () => mesh.startControlPlane(),
          (time) => `ready in ${time}`,
        ),
    },
    {
      title: "redis-1, backend-1, web-1 join",
      run: () =>
        timed(
          () => Promise.all([redis, backend1, web].map((each) => mesh.startSidecar(each))),
          (time) => `${time}, three Envoys, three tokens`,
        ),
    },
    {
      title: "web -> sidecar -> sidecar -> backend, redis",
      run: async () => {
        const answer = await soon(
          () => get(toBackend, "/"),
          (got) => got.status === 200,
        );
        const started = performance.now();
        const pong = await soon(() => ping(toRedis));
        return `${answer.body} answers; ${tcp.label}: ${pong}, ${milliseconds(performance.now() - started)}`;
      },
    },
    {
      title: `backend-2 joins under ${RATE} requests a second`,
      run: async () => {
        const load = startLoad(toBackend, RATE, signal);
        const started = performance.now();
        const [answered, serving] = await Promise.all([
          load.firstAnswer("backend-2", 15_000),
          mesh.startSidecar(backend2).then(() => performance.now() - started),
        ]);
        await pause(300);
        return `${seconds(serving)}, first request ${answered < serving ? "before it said so" : `${milliseconds(answered - serving)} later`}; ${failures(await load.stop())}`;
      },
    },
    {
      title: "backend-1 leaves (SIGTERM) under the same load",
      run: async () => {
        const load = startLoad(toBackend, RATE, signal);
        await pause(300);
        const started = performance.now();
        const leaver = mesh.sidecars.get("backend-1");
        leaver?.process.kill("SIGTERM");
        const code = await leaver?.exited;
        const gone = performance.now() - started;
        await pause(300);
        const withdrawn = leaver?.events.find((each) => each.event === "withdrawn");
        return `${withdrawn ? `withdrawn in ${withdrawn["tookMs"]} ms, ` : ""}drained and gone in ${seconds(gone)} (exit ${code}); ${failures(await load.stop())}`;
      },
    },
    {
      title: "redis-1 is killed (kill -9), comes back",
      run: async () => {
        const victim = mesh.sidecars.get("redis-1");
        if (victim) killSidecar(victim);
        const killed = performance.now();
        await soon(
          () => mesh.presence("redis-1"),
          (state) => state !== "connected",
        );
        const seen = performance.now() - killed;
        let failed = 0;
        let tried = 0;
        const probe = setInterval(() => {
          tried++;
          ping(toRedis, 1000).catch(() => failed++);
        }, 50);
        const restarted = performance.now();
        try {
          await mesh.startSidecar(redis);
          await soon(() => ping(toRedis, 1000));
        } finally {
          clearInterval(probe);
        }
        const back = performance.now() - restarted;
        await pause(100);
        return `seen in ${milliseconds(seen)}, back in ${seconds(back)}; it was the only one: ${failed} of ${tried} pings failed`;
      },
    },
    {
      title: "control plane is killed for 2 s",
      run: async () => {
        const load = startLoad(toBackend, RATE, signal);
        const victim = mesh.controlPlane();
        const killed = Date.now();
        victim.process.kill("SIGKILL");
        await victim.exited;
        await pause(2000);
        await mesh.startControlPlane();
        const up = performance.now();
        for (const name of ["redis-1", "backend-2", "web-1"]) {
          await soon(
            () => mesh.connectedSince(name, killed),
            (connected) => connected,
          );
        }
        return `all sidecars back ${seconds(performance.now() - up)} after its start; ${failures(await load.stop())}`;
      },
    },
  ];
}

function failures(report: LoadReport): string {
  const why = [...report.reasons].map(([reason, count]) => `${count} × ${reason}`).join(", ");
  return `${report.failed} of ${report.requests} requests failed${why ? ` (${why})` : ""}`;
}

async function timed(run: () => Promise<unknown>, tell: (time: string) => string): Promise<string> {
  const started = performance.now();
  await run();
  return tell(seconds(performance.now() - started));
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`;
const milliseconds = (ms: number) => `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
