import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { get as httpGet } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createRestClient, type RestClient } from "../../../cmd/ctl/rest-client.ts";
import { freePorts } from "../../../cmd/demo/free-ports.ts";
import { EXECUTABLE } from "../../support/executable.ts";
import { cpuSecondsOf } from "../../support/processes.ts";

/** Bytes, from /proc/PID/smaps_rollup. */
export interface Memory {
  readonly rss: number;
  readonly pss: number;
  /** Pages that belong to no file: heap, buffers, stacks. */
  readonly anonymous: number;
}

/** The control plane that is measured, as a process of its own on ports of its own. */
export interface MeasuredControlPlane extends AsyncDisposable {
  readonly pid: number;
  readonly api: RestClient;
  readonly dpPort: number;
  /** User and system, all threads. */
  cpuSeconds(): number;
  memory(): Memory;
  /** Longest turn of the event loop since the last call, in milliseconds; undefined for other control planes. */
  loopLag(): Promise<number | undefined>;
  /** V8's heap in bytes: what is used of it, garbage included, and all of it; undefined for other control planes. */
  heap(): Promise<{ readonly used: number; readonly all: number } | undefined>;
  /** The last lines that it logged. */
  tail(): string;
}

/** Starting takes a Kuma control plane some seconds; milliseconds. */
const START_MS = 60_000;

/**
 * Starts `command` (default: `monomesh cp run` as packaged) with free ports and an empty work directory in Kuma's and our
 * variables, and resolves when its /ready says so.
 */
export async function startControlPlane(command = `${EXECUTABLE} cp run`): Promise<MeasuredControlPlane> {
  const dir = mkdtempSync(join(tmpdir(), "bench-engine-"));
  const [apiPort = 0, dpPort = 0, diagnosticsPort = 0] = await freePorts(3);
  const settings = {
    GENERAL_WORK_DIR: dir,
    API_SERVER_HTTP_INTERFACE: "127.0.0.1",
    API_SERVER_HTTP_PORT: String(apiPort),
    API_SERVER_HTTPS_ENABLED: "false",
    DP_SERVER_PORT: String(dpPort),
    DIAGNOSTICS_SERVER_PORT: String(diagnosticsPort),
  };
  const env: NodeJS.ProcessEnv = { ...process.env };
  for (const [name, value] of Object.entries(settings)) env[`KUMA_${name}`] = value;
  const child = spawn("sh", ["-c", `exec ${command}`], { env, cwd: dir, stdio: ["ignore", "pipe", "pipe"] });
  const tail = keepTail(child);
  const exited = new Promise<void>((resolve) => child.on("close", () => resolve()));
  const clientOf = (port: number) => createRestClient({ url: `http://127.0.0.1:${port}` }, { timeoutMs: 60_000 });
  const diagnostics = clientOf(diagnosticsPort);
  const controlPlane: MeasuredControlPlane = {
    pid: child.pid ?? 0,
    api: clientOf(apiPort),
    dpPort,
    cpuSeconds: () => cpuSecondsOf(child.pid ?? 0),
    memory: () => readMemory(child.pid ?? 0),
    async loopLag() {
      const [seconds] = await readMetrics(diagnostics, ['monomesh_event_loop_lag_seconds{quantile="1"}']);
      return seconds === undefined ? undefined : seconds * 1000;
    },
    async heap() {
      const lines = ["heap_used", "heap"].map((kind) => `monomesh_memory_bytes{kind="${kind}"}`);
      const [used, all] = await readMetrics(diagnostics, lines);
      return used === undefined || all === undefined ? undefined : { used, all };
    },
    tail,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
      await exited;
      clearTimeout(timer);
      rmSync(dir, { recursive: true, force: true });
    },
  };
  try {
    await untilReady(child, diagnosticsPort);
  } catch (error) {
    await controlPlane[Symbol.asyncDispose]();
    throw new Error(`${(error as Error).message}\n${tail()}`);
  }
  return controlPlane;
}

async function untilReady(child: ChildProcess, port: number): Promise<void> {
  const patience = performance.now() + START_MS;
  while (performance.now() < patience) {
    if (child.exitCode !== null) throw new Error(`the control plane ended with ${child.exitCode}`);
    const status = await new Promise<number>((resolve) => {
      httpGet({ host: "127.0.0.1", port, path: "/ready", agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      }).on("error", () => resolve(0));
    });
    if (status === 200) return;
    await sleep(50);
  }
  throw new Error(`the control plane is not ready after ${START_MS / 1000} s`);
}

function keepTail(child: ChildProcess): () => string {
  let text = "";
  const keep = (chunk: Buffer) => {
    text = (text + chunk.toString()).slice(-4000);
  };
  child.stdout?.on("data", keep);
  child.stderr?.on("data", keep);
  return () => text;
}

/**
 * The values of these lines of /metrics. Not with `fetch`: its parser is WebAssembly, which V8 compiles anew in the background
 * for 50 ms, in the middle of what is measured.
 */
async function readMetrics(diagnostics: RestClient, names: readonly string[]): Promise<(number | undefined)[]> {
  const { body } = await diagnostics.get("/metrics");
  const values = new Map(
    String(body)
      .split("\n")
      .map((line) => line.split(" ") as [string, string]),
  );
  return names.map((name) => (values.has(name) ? Number(values.get(name)) : undefined));
}

function readMemory(pid: number): Memory {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const bytes = (label: string) => Number(new RegExp(`^${label}:\\s+(\\d+) kB`, "m").exec(text)?.[1]) * 1024;
  return { rss: bytes("Rss"), pss: bytes("Pss"), anonymous: bytes("Anonymous") };
}
