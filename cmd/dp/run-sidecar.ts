import { join } from "node:path";
import { systemClock } from "../../core/kernel/clock.ts";
import { MeshError } from "../../core/kernel/errors.ts";
import { createLogger, type Logger } from "../../core/kernel/log.ts";
import { PluginHost } from "../../core/kernel/plugin.ts";
import { Scope } from "../../core/kernel/scope.ts";
import { openServiceManager } from "../../core/kernel/service-manager.ts";
import { machineAddressesText } from "../../core/sidecar/checks/machine-addresses.ts";
import { ControlPlaneLink } from "../../core/sidecar/control-plane/control-plane-link.ts";
import { openTokenSource } from "../../core/sidecar/control-plane/token-source.ts";
import { checkDefinition, type Definition } from "../../core/sidecar/definition/check-definition.ts";
import { readDefinitionSource } from "../../core/sidecar/definition/read-source.ts";
import type { EnvoyBinaryLocator } from "../../core/sidecar/envoy/envoy-binary.ts";
import { knownEnvoyVersion } from "../../core/sidecar/envoy/envoy-version.ts";
import type { OptionValues } from "../../core/sidecar/options/option-table.ts";
import type { ParsedArgs } from "../../core/sidecar/options/parse-args.ts";
import { readOptions } from "../../core/sidecar/options/read-options.ts";
import type { FoundEnvoy, SidecarPlan } from "../../core/sidecar/plan.ts";
import { Supervisor } from "../../core/sidecar/supervisor.ts";
import { readCaFile } from "../../core/sidecar/trust/ca-file.ts";
import { openRuntimeRoot } from "../../core/sidecar/work-dir/runtime-root.ts";
import { envoyBinaryPath } from "../../plugins/envoy-binary-path/plugin.ts";
import type { Io } from "../terminal/io.ts";
import { foreignVariables } from "./foreign-variables.ts";
import { createSidecarSink } from "./sidecar-sink.ts";
import { handleSignals } from "./signals.ts";

/** Reads everything, starts nothing before all of it is good, then runs the sidecar. Resolves to the exit code. */
export async function runSidecar(args: ParsedArgs, io: Io, startedAt: number): Promise<number> {
  const asKuma = io.calledAs === "kuma-dp";
  const foreign = await foreignVariables(io.env);
  const options = readOptions({ args, env: io.env, asKuma, foreignVariable: (name) => foreign.has(name) });
  const { values } = options;
  const log = createLogger(createSidecarSink(io), values.logLevel);
  const scope = new Scope("dp");
  try {
    const envoy = findEnvoy(values, io, scope, log);
    // Nobody waits for it yet; whoever does later gets the error.
    envoy.catch(() => undefined);
    const source = await readDefinitionSource(values, io.stdin as AsyncIterable<string | Uint8Array>);
    const who = whoFrom(values, source !== undefined);
    const definition =
      source &&
      (await checkDefinition(source, { variables: options.variables, machineAddresses: machineAddressesText }));
    const token = await openTokenSource({ token: values.token, file: values.tokenFile }, log);
    const named = nameOf(definition, who);
    const link = new ControlPlaneLink({
      address: values.cpAddress,
      name: `${named.mesh}/${named.name}`,
      caCert: await givenCa(values),
      skipVerify: values.skipVerify,
      token,
    });
    const plan: SidecarPlan = {
      ...named,
      definition,
      definitionLabel: source?.label,
      options,
      token,
      link,
      envoy,
      env: io.env,
      startedAt,
    };
    const clock = systemClock;
    const manager = openServiceManager({ env: io.env, clock, log, scope, alive: () => supervisor.alive });
    const supervisor: Supervisor = new Supervisor(plan, { clock, log, manager });
    using _signals = handleSignals(supervisor, log);
    const { served } = await supervisor.run();
    // kuma-dp ends with 1 when it is stopped before it has its bootstrap (contract, section 2.8).
    return served || !asKuma ? 0 : 1;
  } finally {
    await scope.close();
  }
}

/** Starts at once, so that Envoy's 50 ms for its version pass beside the reading of the definition. */
async function findEnvoy(values: OptionValues, io: Io, scope: Scope, log: Logger): Promise<FoundEnvoy> {
  const host = new PluginHost();
  host.register([envoyBinaryPath] as never);
  const context = { scope, log, clock: systemClock, workDir: "" };
  const locator = await host.create<EnvoyBinaryLocator>("envoy-binary", "path", context, {
    binaryPath: values.binaryPath,
    env: io.env,
  });
  const binary = await locator.locate();
  const cache = join(openRuntimeRoot(io.env), "envoy-version.json");
  return { ...binary, ...(await knownEnvoyVersion(binary.path, cache, scope.signal)) };
}

interface Who {
  readonly mesh: string;
  readonly name: string;
}

/** Indirect needs both names, a definition forbids them (contract, section 2.2). */
function whoFrom(values: OptionValues, hasDefinition: boolean): Who {
  const { name, mesh } = values;
  if (hasDefinition) {
    const given = [name && "--name", mesh && "--mesh"].filter(Boolean);
    if (given.length === 0) return { mesh, name };
    throw new MeshError("MM100", `${given.join(" and ")} cannot stand beside a definition, which says both itself`, {
      todo: "Leave them out, or leave out the definition if the control plane already has this Dataplane (Indirect).",
    });
  }
  const missing = [!name && "--name", !mesh && "--mesh"].filter(Boolean);
  if (missing.length === 0) return { mesh, name };
  if (missing.length === 2) {
    throw new MeshError("MM100", "there is nothing that says which Dataplane this is", {
      todo: "Give its definition with --dataplane-file=FILE (Direct),\nor --name and --mesh of one that the control plane has (Indirect).",
    });
  }
  throw new MeshError(
    "MM100",
    `${missing.join(" and ")} is missing: without a definition both --name and --mesh are needed`,
  );
}

function nameOf(definition: Definition | undefined, who: Who): Who {
  return definition ? { mesh: definition.draft.mesh, name: definition.draft.name } : who;
}

async function givenCa({ caCert, caCertFile }: OptionValues): Promise<string | undefined> {
  if (caCert) return caCert;
  return caCertFile ? readCaFile(caCertFile) : undefined;
}
