import type { Command } from "commander";
import { runConfigShow } from "./commands/config-show.ts";
import { type AddControlPlaneOptions, runAddControlPlane, runListControlPlanes } from "./commands/control-planes.ts";
import { runExplain } from "./commands/explain.ts";
import type { WithSession } from "./run-ctl.ts";

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];

/** The verbs that need no control plane: contexts, configuration, codes. */
export function addConfigCommands(program: Command, withSession: WithSession): void {
  const config = program
    .command("config")
    .description("Contexts of the command line, configuration of the control plane");
  config
    .command("show")
    .description("Effective configuration of a control plane started here")
    .option("-c, --config-file <file>", "its configuration file")
    .option("--origin", "say where each value came from", false)
    .option("--all", "also settings that have their default", false)
    .addHelpText("after", "\nExample:\n  config show --origin -c /etc/monomesh/cp.yaml\n")
    .action((options: { configFile?: string; origin: boolean; all: boolean }) =>
      withSession((session) =>
        runConfigShow(session, { ...options, configFile: options.configFile ?? session.global.configFile }),
      ),
    );
  const controlPlanes = config.command("control-planes").description("Control planes this command line knows");
  controlPlanes
    .command("add")
    .description("Add a control plane and use it")
    .requiredOption("--name <name>", "name for it")
    .requiredOption("--address <url>", "its API, such as http://10.0.0.11:5681")
    .option("--overwrite", "replace one of the same name", false)
    .option("--skip-check", "do not ask it whether it is one", false)
    .option("--skip-verify", "accept any certificate", false)
    .option("--ca-cert-file <file>", "CA of its certificate")
    .option("--auth-type <type>", "tokens")
    .option("--auth-conf <key=value>", "token=…", collect, [] as readonly string[])
    .addHelpText("after", "\nExample:\n  config control-planes add --name site --address http://10.0.0.11:5681\n")
    .action((options: AddControlPlaneOptions) => withSession((session) => runAddControlPlane(session, options)));
  controlPlanes
    .command("list")
    .description("List them; * is the one in use")
    .action(() => withSession(runListControlPlanes));
  program
    .command("explain")
    .description("What an error code, or a response flag of Envoy, means")
    .argument("[code]", "such as MM104 or UF; all error codes without it")
    .action((code: string | undefined) => withSession((session) => runExplain(session, code)));
}
