import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { get as httpGet } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startHttpApp } from "../../cmd/demo/apps.ts";
import { openDemoMesh } from "../../cmd/demo/demo-mesh.ts";
import { freePorts } from "../../cmd/demo/free-ports.ts";
import { systemClock } from "../../core/kernel/clock.ts";
import { silentLogger } from "../../core/kernel/log.ts";
import { Scope } from "../../core/kernel/scope.ts";
import { openSqliteStore } from "../../plugins/store-sqlite/sqlite-store.ts";
import { EXECUTABLE, packaged } from "../support/executable.ts";
import { memoryOf } from "../support/processes.ts";

/*
 * Start-up times and idle memory of the packaged executable, median of ten. Run by `./build.sh bench start`; the figures
 * in README.md and docs come from it.
 */

const ROUNDS = Number(process.argv[2] ?? 10);

/** Asking more often would take the core that is being measured. */
const POLL_MS = 10;

interface Row {
  readonly what: string;
  readonly measured: string;
  readonly goal: string;
}

const rows: Row[] = [];
const add = (what: string, measured: string, goal: string) => {
  rows.push({ what, measured, goal });
  process.stdout.write(`${what.padEnd(52)} ${measured.padStart(10)}   goal ${goal}\n`);
};

const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

async function ready(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const request = httpGet({ host: "127.0.0.1", port, path: "/ready", agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on("error", () => resolve(false));
  });
}

/** From spawn to a 200 of /ready, milliseconds. */
async function controlPlaneStart(workDir: string): Promise<number> {
  const [api, dp, diagnostics = 0] = await freePorts(3);
  const env = {
    ...process.env,
    MONOMESH_GENERAL_WORK_DIR: workDir,
    MONOMESH_API_SERVER_HTTP_INTERFACE: "127.0.0.1",
    MONOMESH_API_SERVER_HTTP_PORT: String(api),
    MONOMESH_DP_SERVER_PORT: String(dp),
    MONOMESH_DIAGNOSTICS_SERVER_PORT: String(diagnostics),
  };
  const started = performance.now();
  const child = spawn(EXECUTABLE, ["cp", "run"], { env, stdio: "ignore" });
  const exited = new Promise((resolve) => child.on("exit", resolve));
  try {
    for (;;) {
      if (await ready(diagnostics)) return performance.now() - started;
      if (child.exitCode !== null) throw new Error(`cp run ended with ${child.exitCode}`);
      if (performance.now() - started > 20_000) throw new Error("not ready in 20 s");
      await sleep(POLL_MS);
    }
  } finally {
    // What is made in the background after /ready (a signing key) must not be cut off: the second start is measured on it.
    await sleep(800);
    child.kill("SIGTERM");
    await exited;
  }
}

async function controlPlaneStarts(): Promise<void> {
  const first: number[] = [];
  const second: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const dir = mkdtempSync(join(tmpdir(), "bench-start-"));
    first.push(await controlPlaneStart(dir));
    second.push(await controlPlaneStart(dir));
    rmSync(dir, { recursive: true });
  }
  add("control plane, first start to /ready", `${median(first).toFixed(0)} ms`, "600 ms");
  add("control plane, second start to /ready", `${median(second).toFixed(0)} ms`, "250 ms");
}

/** A store with 10,000 Dataplanes, as a mesh that has grown over months has them. */
async function startWithMany(): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), "bench-start-"));
  try {
    const store = await openSqliteStore({ path: join(dir, "monomesh.db"), clock: systemClock, log: silentLogger });
    await store.put({ type: "Mesh", mesh: "", name: "default", labels: {}, spec: {} });
    const dataplane = (at: number) => {
      const tags = { "kuma.io/service": `service-${at % 100}` };
      const inbound = [{ port: 8080, servicePort: 80, tags }];
      const networking = { address: `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`, inbound };
      return { type: "Dataplane", mesh: "default", name: `web-${at}`, labels: {}, spec: { networking } };
    };
    await Promise.all(Array.from({ length: 10_000 }, (_, at) => store.put(dataplane(at))));
    await store.close();
    const times: number[] = [];
    for (let round = 0; round < Math.min(ROUNDS, 5); round++) times.push(await controlPlaneStart(dir));
    add("control plane with 10,000 Dataplanes to /ready", `${median(times).toFixed(0)} ms`, "1000 ms");
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function sidecars(): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), "bench-start-"));
  const scope = new Scope("bench");
  try {
    const mesh = await openDemoMesh(scope, dir, { program: packaged });
    const [app = 0, inbound = 0, clientApp = 0, clientInbound = 0, outbound = 0] = await freePorts(5);
    await startHttpApp(scope, "backend-1", app);
    await startHttpApp(scope, "web-1", clientApp);
    const controlPlane = await mesh.startControlPlane();
    const server = {
      name: "backend-1",
      service: "backend",
      protocol: "http",
      port: inbound,
      servicePort: app,
      outbounds: new Map(),
    } as const;
    const client = {
      name: "web-1",
      service: "web",
      protocol: "http",
      port: clientInbound,
      servicePort: clientApp,
      outbounds: new Map([[outbound, "backend"]]),
    } as const;
    await mesh.startSidecar(server);
    const times: number[] = [];
    let idle = mesh.sidecars.get("backend-1");
    for (let round = 0; round < ROUNDS; round++) {
      const started = performance.now();
      const starting = mesh.startSidecar(client);
      times.push(await firstAnswer(outbound, started));
      idle = await starting;
      if (round === ROUNDS - 1) break;
      idle.process.kill("SIGTERM");
      idle.process.kill("SIGTERM");
      await idle.exited;
    }
    add("dp run to first request through the mesh", `${median(times).toFixed(0)} ms`, "600 ms");
    await sleep(5000);
    const supervisor = memoryOf(idle?.pid ?? 0);
    add("private memory of an idle supervisor", `${(supervisor.privateDirty / 1e6).toFixed(1)} MB`, "25 MB");
    add("  its resident set, file pages included", `${(supervisor.rss / 1e6).toFixed(1)} MB`, "-");
    const plane = memoryOf(controlPlane.pid);
    add("private memory of an idle control plane", `${(plane.privateDirty / 1e6).toFixed(1)} MB`, "60 MB");
    add("  its resident set, file pages included", `${(plane.rss / 1e6).toFixed(1)} MB`, "-");
  } finally {
    await scope.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** The time token and definition take to make is part of the figure: it is what a user waits for. */
async function firstAnswer(port: number, started: number): Promise<number> {
  for (;;) {
    const status = await new Promise<number>((resolve) => {
      const request = httpGet({ host: "127.0.0.1", port, path: "/", agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      request.on("error", () => resolve(0));
    });
    if (status === 200) return performance.now() - started;
    if (performance.now() - started > 20_000) throw new Error("no request through the mesh in 20 s");
    await sleep(POLL_MS);
  }
}

add("executable", `${(statSync(EXECUTABLE).size / 1e6).toFixed(1)} MB`, "120 MB");
await controlPlaneStarts();
await startWithMany();
await sidecars();
process.stdout.write(`${JSON.stringify({ bench: "start", rounds: ROUNDS, rows })}\n`);
