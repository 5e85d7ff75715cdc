import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { startHttpApp } from "../../cmd/demo/apps.ts";
import { type RoleProcess, startRole } from "../../cmd/demo/child.ts";
import { type DemoMesh, killSidecar, openDemoMesh, type SidecarSpec } from "../../cmd/demo/demo-mesh.ts";
import { freePorts } from "../../cmd/demo/free-ports.ts";
import { Scope } from "../../core/kernel/scope.ts";
import { packaged } from "./executable.ts";

export interface TestMesh {
  readonly mesh: DemoMesh;
  readonly scope: Scope;
  /** A sidecar's definition on free ports, with an HTTP application behind it that answers with the name. */
  http(name: string, service: string, outbounds?: ReadonlyMap<number, string>): Promise<SidecarSpec>;
}

/** A sidecar without a definition, for a Dataplane that is or will be made through the API. It is killed after the test. */
export async function startIndirect(test: TestContext, mesh: DemoMesh, name: string): Promise<RoleProcess> {
  const token = join(mesh.dir, `${name}.token`);
  writeFileSync(token, String((await mesh.api.post("/tokens/dataplane", { mesh: "default", name })).body));
  const args = [
    "dp",
    "run",
    `--name=${name}`,
    "--mesh=default",
    `--cp-address=${mesh.dpAddress}`,
    `--dataplane-token-file=${token}`,
    "--drain-time=1s",
  ];
  const sidecar = startRole(args, { MONOMESH_IGNORE_KUMA_ENV: "1" }, packaged);
  test.after(() => {
    if (sidecar.process.exitCode === null) killSidecar(sidecar);
  });
  return sidecar;
}

/** A running control plane of the packaged executable; everything ends with the test. */
export async function openTestMesh(test: TestContext, env?: Readonly<Record<string, string>>): Promise<TestMesh> {
  const dir = mkdtempSync(join(tmpdir(), "mesh-"));
  const scope = new Scope("test");
  test.after(async () => {
    await scope.close();
    rmSync(dir, { recursive: true, force: true });
  });
  const mesh = await openDemoMesh(scope, dir, { program: packaged, env });
  await mesh.startControlPlane();
  return {
    mesh,
    scope,
    async http(name, service, outbounds = new Map()) {
      const [port = 0, servicePort = 0] = await freePorts(2);
      await startHttpApp(scope, name, servicePort);
      return { name, service, protocol: "http", port, servicePort, outbounds };
    },
  };
}
