import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type RoleProcess, startRole } from "../../../cmd/demo/child.ts";
import { freePorts } from "../../../cmd/demo/free-ports.ts";
import { MeshControlPlane } from "../../core/sidecar/mesh-control-plane.ts";
import { TEST_CERT } from "../../core/sidecar/tls-control-plane.ts";
import { unsignedToken } from "../../core/sidecar/unsigned-token.ts";

export const TOKEN = unsignedToken({ Name: "redis-1" });

/** A machine with an echo as application, files for a sidecar, and a small control plane; sidecars are real processes with real Envoys. */
export interface SidecarWorld extends AsyncDisposable {
  readonly dir: string;
  readonly plane: MeshControlPlane;
  /** Port of the sidecar's inbound. */
  readonly port: number;
  /** Port of the application. */
  readonly appPort: number;
  readonly readinessPort: number;
  /** Every sidecar that was started; killed at the end with its Envoys. */
  readonly started: RoleProcess[];
  definition(name?: string, listen?: number): string;
  start(args?: readonly string[]): RoleProcess;
  /** Sends a line through the sidecar to the echo behind it. */
  echo(to?: number): Promise<string>;
  /** What `GET /ready` says on the readiness port. */
  ready(): Promise<{ readonly status: number; readonly body: string }>;
}

export async function openSidecarWorld(): Promise<SidecarWorld> {
  const dir = mkdtempSync(join(tmpdir(), "sidecar-test-"));
  const app = createServer((socket) => socket.on("error", () => undefined).pipe(socket));
  await new Promise<void>((resolve) => app.listen(0, "127.0.0.1", resolve));
  const appPort = (app.address() as AddressInfo).port;
  const [port = 0, readinessPort = 0] = await freePorts(2);
  const plane = new MeshControlPlane();
  plane.inbounds = [{ address: "127.0.0.1", port, servicePort: appPort }];
  await plane.listen();
  const started: RoleProcess[] = [];
  const world: SidecarWorld = {
    dir,
    plane,
    port,
    appPort,
    readinessPort,
    started,
    definition: (name = "redis-1", listen = port) => `type: Dataplane
mesh: default
name: ${name}
networking:
  address: 127.0.0.1
  inbound:
  - port: ${listen}
    servicePort: ${appPort}
    tags:
      kuma.io/service: redis
`,
    start(args = []) {
      const role = startRole(
        [
          "dp",
          "run",
          `--cp-address=${plane.address}`,
          `--ca-cert-file=${join(dir, "ca.pem")}`,
          `--dataplane-file=${join(dir, "dp.yaml")}`,
          `--dataplane-token-file=${join(dir, "token")}`,
          "--drain-time=20s",
          ...args,
        ],
        { MONOMESH_READINESS_PORT: String(readinessPort), MONOMESH_IGNORE_KUMA_ENV: "1" },
      );
      started.push(role);
      return role;
    },
    echo: (to = port) => echo(to),
    ready: () => get({ port: readinessPort }, "/ready"),
    async [Symbol.asyncDispose]() {
      for (const role of started) {
        const envoy = lastEnvoy(role);
        role.process.kill("SIGKILL");
        if (envoy !== undefined) kill(envoy, "SIGKILL");
        await role.exited;
      }
      await plane[Symbol.asyncDispose]();
      await new Promise((resolve) => app.close(resolve));
      rmSync(dir, { recursive: true });
    },
  };
  writeFileSync(join(dir, "ca.pem"), TEST_CERT);
  writeFileSync(join(dir, "token"), `${TOKEN}\n`);
  writeFileSync(join(dir, "dp.yaml"), world.definition());
  return world;
}

/** Process of the Envoy that the sidecar started last. */
export function lastEnvoy(role: RoleProcess): number | undefined {
  const pid = role.events.findLast((each) => each.event === "envoy-started")?.["pid"];
  return typeof pid === "number" ? pid : undefined;
}

export function kill(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** Whether it runs; a process that has ended and was not waited for yet does not. */
export function runs(pid: number): boolean {
  return kill(pid, 0) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
}

async function echo(to: number): Promise<string> {
  const socket = connect(to, "127.0.0.1");
  try {
    return await new Promise<string>((resolve, reject) => {
      socket.once("error", reject).once("close", () => reject(new Error("closed")));
      socket.on("data", (chunk) => resolve(chunk.toString()));
      socket.setTimeout(3000, () => reject(new Error("no answer")));
      socket.write("hello");
    });
  } finally {
    socket.destroy();
  }
}

export function get(
  target: { readonly port?: number; readonly socketPath?: string },
  path: string,
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    request({ host: "127.0.0.1", ...target, path, agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        body += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: body.trim() }));
    })
      .on("error", reject)
      .end();
  });
}

export async function until(good: () => boolean | Promise<boolean>, what: string, limitMs = 10_000): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!(await good())) {
    assert.ok(performance.now() < deadline, `waited in vain: ${what}`);
    await sleep(20);
  }
}
