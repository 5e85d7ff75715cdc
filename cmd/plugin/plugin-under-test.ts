import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AuthPluginContext } from "../../core/auth/authenticator.ts";
import { systemClock } from "../../core/kernel/clock.ts";
import type { ContractCase } from "../../core/kernel/contract.ts";
import { MeshError } from "../../core/kernel/errors.ts";
import { silentLogger } from "../../core/kernel/log.ts";
import { messageOf, type Plugin, type PluginContext, PluginHost } from "../../core/kernel/plugin.ts";
import { selfCommand } from "../../core/kernel/runtime.ts";
import { Scope } from "../../core/kernel/scope.ts";
import { withinTime } from "../../core/kernel/time-limit.ts";
import { policyCaseContext } from "../../core/policy/contract/policy-cases.ts";
import type { PolicyDefinition } from "../../core/policy/policy.ts";
import { streamOf } from "../../core/presence/contract/lifecycle-cases.ts";
import type { StoreUnderTest } from "../../core/store/contract/store-case.ts";
import type { ResourceStore } from "../../core/store/resource-store.ts";
import { createMemoryStore } from "../../plugins/store-memory/memory-store.ts";

/** Options for a case in a directory. */
export type CaseOptions = (workDir: string) => unknown;

/** A case of a plugin that is no store is given up after this many milliseconds. */
const PATIENCE_MS = 30_000;

/** Reads `--options`; MM100 when it is no JSON. */
export function readOptions(json: string | undefined): CaseOptions {
  if (json === undefined) return () => ({});
  const parse = (text: string): unknown => {
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw new MeshError("MM100", "--options is no JSON", { why: messageOf(cause), cause });
    }
  };
  parse(json);
  return (workDir) => parse(json.replaceAll("{workDir}", JSON.stringify(workDir).slice(1, -1)));
}

/** Makes an instance as the control plane does, but without a guard: the contract looks at the plugin itself. */
export function createInstance<T>(plugin: Plugin, file: string, context: PluginContext, options: unknown): Promise<T> {
  const host = new PluginHost();
  host.register([plugin], file);
  return host.create<T>(plugin.kind, plugin.name, context, options);
}

export function storeUnderTest(
  plugin: Plugin,
  file: string,
  options: CaseOptions,
  { quick, options: json }: { readonly quick: boolean; readonly options: string | undefined },
): StoreUnderTest {
  const flags = json === undefined ? [] : ["--options", json];
  return {
    durable: (plugin as { durable?: boolean }).durable === true,
    compacts: false,
    large: !quick,
    open: (context) => createInstance<ResourceStore>(plugin, file, context, options(context.workDir)),
    writer: (workDir) => selfCommand(["plugin", "write", file, workDir, ...flags]),
  };
}

/** Runs a case of an authenticator, a lifecycle or a policy over a new instance. */
export async function runInstanceCase(
  plugin: Plugin,
  file: string,
  options: CaseOptions,
  { run }: ContractCase<never>,
): Promise<void> {
  const workDir = await mkdtemp(join(tmpdir(), "plugin-test-"));
  const scope = new Scope("plugin-test");
  const store = createMemoryStore();
  try {
    await store.put({ type: "Mesh", mesh: "", name: "default", labels: {}, spec: {} });
    const context: AuthPluginContext = { scope, log: silentLogger, clock: systemClock, workDir, store, cpCa: () => [] };
    const instance = await createInstance(plugin, file, context, options(workDir));
    const given =
      plugin.kind === "policy"
        ? policyCaseContext(instance as PolicyDefinition)
        : { authenticator: instance, lifecycle: instance, streamOf };
    const late = () => new Error(`no answer within ${PATIENCE_MS / 1000} s`);
    await withinTime(systemClock, PATIENCE_MS, () => run(given as never), late);
  } finally {
    await scope.close();
    await store.close();
    await rm(workDir, { recursive: true, force: true });
  }
}
