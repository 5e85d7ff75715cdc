import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { MeshError } from "../../core/kernel/errors.ts";
import { Scope } from "../../core/kernel/scope.ts";
import { resourceTypes } from "../../core/model/registry.ts";
import { runGet } from "../ctl/commands/get.ts";
import { dataplaneRows } from "../ctl/output/dataplane-table.ts";
import type { Json } from "../ctl/output/json.ts";
import type { Io } from "../terminal/io.ts";
import { type DemoMesh, openDemoMesh } from "./demo-mesh.ts";
import { eventually } from "./eventually.ts";
import { demoSteps, type Step } from "./story.ts";

const HELP = `monomesh demo [--keep]

A mesh on this machine: one control plane, sidecars with real Envoy, real requests. Needs no root and no network.

  --keep    leave it running afterwards and print what to try; Ctrl-C removes all

Example:  monomesh demo --keep
`;

/** Plays the demo and prints it as a story; cleans up whatever happens. Exit code 0 when every step went through. */
export async function runDemo(args: readonly string[], io: Io): Promise<number> {
  const { keep, help } = parseDemoArgs(args);
  if (help) {
    io.stdout.write(HELP);
    return 0;
  }
  const scope = new Scope("demo");
  const stop = Promise.withResolvers<void>();
  const onSignal = () => stop.resolve();
  process.once("SIGINT", onSignal);
  process.once("SIGTERM", onSignal);
  try {
    const dir = mkdtempSync(join(tmpdir(), "monomesh-demo-"));
    scope.defer(() => rmSync(dir, { recursive: true, force: true }));
    const mesh = await openDemoMesh(scope, dir);
    io.stdout.write(
      "A mesh on this machine: one control plane, sidecars with real Envoy. Needs no root and no network; Ctrl-C removes all.\n",
    );
    const told = tellAll(io, mesh, await demoSteps(scope, mesh), scope.signal);
    const interrupted = await Promise.race([told.then(() => false), stop.promise.then(() => true)]);
    if (interrupted) return 130;
    if (keep) {
      io.stdout.write(tryThis(mesh));
      await stop.promise;
    } else {
      io.stdout.write(
        "Keep it running to look around:  monomesh demo --keep\nDo it yourself:                  monomesh help quickstart\n",
      );
    }
    return 0;
  } finally {
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
    await scope.close();
  }
}

function parseDemoArgs(args: readonly string[]): { keep: boolean; help: boolean } {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { keep: { type: "boolean" }, help: { type: "boolean", short: "h" } },
    });
    return { keep: values.keep === true, help: values.help === true };
  } catch (cause) {
    throw new MeshError("MM100", (cause as Error).message, { todo: "Help: monomesh demo --help", cause });
  }
}

async function tellAll(io: Io, mesh: DemoMesh, steps: readonly Step[], signal: AbortSignal): Promise<void> {
  const width = Math.max(...steps.map((step) => step.title.length)) + 2;
  for (const [index, step] of steps.entries()) {
    io.stdout.write(`  ${index + 1}  ${step.title.padEnd(width)}`);
    const told = await step.run();
    if (signal.aborted) return;
    io.stdout.write(`${told}\n`);
  }
  io.stdout.write("\n");
  await settled(mesh, signal);
  const session = {
    io,
    kumactl: false,
    global: { mesh: "default", apiTimeout: 5000 },
    files: { read: [], write: "" },
    signal: new AbortController().signal,
    client: async () => mesh.api,
    out: (text: string) => void io.stdout.write(text),
    talk: (text: string) => void io.stdout.write(text),
  };
  await runGet(session, resourceTypes(), "dataplanes", undefined, { output: "table" });
  io.stdout.write("\n");
}

/** The table is shown once every sidecar has its newest configuration, or after 5 s as it is. */
async function settled(mesh: DemoMesh, signal: AbortSignal): Promise<void> {
  const current = async () => {
    const body = (await mesh.api.get("/meshes/default/dataplanes/_overview")).body as { items: readonly Json[] };
    return dataplaneRows(body.items, Date.now(), false).rows.every((row) => row[CONFIG_COLUMN] === "current");
  };
  await eventually(current, (all) => all, 5000, signal).catch(() => undefined);
}

const CONFIG_COLUMN = 7;

function tryThis(mesh: DemoMesh): string {
  return `It keeps running in ${mesh.dir}. Try, in another terminal:
  monomesh config control-planes add --name demo --address ${mesh.api.url} && monomesh get dataplanes
  kill -9 ${mesh.sidecars.get("redis-1")?.pid}                       (a supervisor; watch its row)
Ctrl-C removes all.
`;
}
