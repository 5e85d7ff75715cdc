import type { Command } from "commander";
import { runApply } from "./commands/apply.ts";
import { runDelete } from "./commands/delete.ts";
import { runFailures } from "./commands/failures.ts";
import { runGenerateDataplaneToken } from "./commands/generate-dataplane-token.ts";
import { runGet } from "./commands/get.ts";
import { runInspectDataplane } from "./commands/inspect-dataplane.ts";
import { runInspectDataplanes } from "./commands/inspect-dataplanes.ts";
import { runInspectPolicy } from "./commands/inspect-policy.ts";
import { knownTypes, typesFor } from "./known-types.ts";
import type { WithSession } from "./run-ctl.ts";

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];

/** The verbs that look at resources and change them (contract, section 7.7). */
export function addResourceCommands(program: Command, withSession: WithSession): void {
  program
    .command("apply")
    .description("Create or update resources")
    .requiredOption(
      "-f, --file <path>",
      "file, directory, or - for stdin; several with repeated flags",
      collect,
      [] as readonly string[],
    )
    .option("-v, --var <key=value>", "value for {{ key }} in the file", collect, [] as readonly string[])
    .option("--dry-run", "print what would be applied", false)
    .addHelpText(
      "after",
      "\nExamples:\n  apply -f backend.yaml -v name=backend-1 -v address=192.168.0.2\n  cat mesh.yaml | monomesh apply -f -\n",
    )
    .action((options: { file: readonly string[]; var: readonly string[]; dryRun: boolean }) =>
      withSession((session) => runApply(session, { files: options.file, vars: options.var, dryRun: options.dryRun })),
    );

  const get = program
    .command("get")
    .description("Show resources")
    .argument("<type>", "dataplanes, meshes, meshtimeouts, secrets, …")
    .argument("[name]")
    .option("-o, --output <format>", "table, wide, yaml, json or name", "table")
    .option("--json", "same as -o json", false)
    .option("--size <n>", "items a page")
    .option("--offset <offset>", "page to begin with")
    .addHelpText("after", "\nExamples:\n  get dataplanes\n  get dataplane redis-1 -o yaml\n  get dataplanes -w\n")
    .action(
      (
        type: string,
        name: string | undefined,
        options: { output: string; json: boolean; size?: string; offset?: string; watch?: boolean },
      ) =>
        withSession(async (session) => {
          const types = await typesFor(session, [type]);
          return runGet(session, types, type, name, { ...options, output: options.json ? "json" : options.output });
        }),
    );

  if (program.name() !== "kumactl") get.option("-w, --watch", "go on with what changes (dataplanes)", false);

  program
    .command("delete")
    .description("Delete a resource")
    .argument("<type>")
    .argument("<name>")
    .addHelpText("after", "\nExample:\n  delete dataplane redis-1\n")
    .action((type: string, name: string) =>
      withSession(async (session) => runDelete(session, await typesFor(session, [type]), type, name)),
    );

  const inspect = program.command("inspect").description("Show what the mesh makes of resources");
  inspect
    .command("dataplanes")
    .description("All Dataplanes with their status")
    .option("-o, --output <format>", "table, yaml or json", "table")
    .option("--tag <key=value>", "only with this tag", collect, [] as readonly string[])
    .option("--gateway", "only gateways", false)
    .addHelpText("after", "\nExample:\n  inspect dataplanes --tag kuma.io/service=redis\n")
    .action((options: { output: string; tag: readonly string[]; gateway: boolean }) =>
      withSession((session) => runInspectDataplanes(session, knownTypes(), options)),
    );

  inspect
    .command("dataplane <name>")
    .description("One Dataplane: how it is, since when and why, whom it uses, what happened to it")
    .option("-o, --output <format>", "table, yaml or json", "table")
    .option("--type <type>", "policies: every value that policies give it, and where each was said")
    .addHelpText("after", "\nExamples:\n  inspect dataplane redis-1\n  inspect dataplane redis-1 --type policies\n")
    .action((name: string, options: { output: string; type?: string }) =>
      withSession((session) => runInspectDataplane(session, name, options)),
    );

  program
    .command("failures")
    .description("The last 200 failed requests of a sidecar")
    .argument("<name>", "of a Dataplane")
    .option("-o, --output <format>", "table, yaml or json", "table")
    .addHelpText("after", "\nExample:\n  failures backend-1\n")
    .action((name: string, options: { output: string }) =>
      withSession((session) => runFailures(session, name, options)),
    );

  for (const type of knownTypes()) {
    if (!type.policy) continue;
    const word = type.name.toLowerCase();
    inspect
      .command(`${word} <name>`)
      .description(`The proxies that a ${type.name} selects`)
      .option("-o, --output <format>", "table, yaml, json or name", "table")
      .addHelpText("after", `\nExample:\n  inspect ${word} ${word.replace("mesh", "mesh-")}-all-default\n`)
      .action((name: string, options: { output: string }) =>
        withSession((session) => runInspectPolicy(session, type, name, options)),
      );
  }

  const generate = program.command("generate").description("Generate tokens");
  generate
    .command("dataplane-token")
    .description("A token that lets a sidecar join")
    .option("--name <name>", "only for the Dataplane of this name", "")
    .option("--tag <key=value>", "only for Dataplanes whose tags have these values", collect, [] as readonly string[])
    .option("--proxy-type <type>", "dataplane, ingress or egress", "")
    .option("--workload <name>", "only for Dataplanes of this workload", "")
    .option("--valid-for <duration>", "how long it is valid (default 24h)")
    .addHelpText(
      "after",
      "\nExamples:\n  generate dataplane-token --name redis-1 > redis-1.token\n  generate dataplane-token --tag kuma.io/service=redis --valid-for 720h\n",
    )
    .action(
      (options: { name: string; tag: readonly string[]; proxyType: string; workload: string; validFor?: string }) =>
        withSession((session) => runGenerateDataplaneToken(session, options)),
    );
}
