import type { Command } from "commander";
import { runEvents } from "./commands/events.ts";
import { runStatus } from "./commands/status.ts";
import { runWaitDataplane, runWaitService } from "./commands/wait.ts";
import type { WithSession } from "./run-ctl.ts";

/** The verbs that say how a mesh is. kumactl has none of them. */
export function addLookCommands(program: Command, withSession: WithSession): void {
  program
    .command("status")
    .description("What is wrong, worst first, and how to go on; exit code 1 with a problem")
    .option("-A, --all-meshes", "of all meshes", false)
    .option("-o, --output <format>", "table, yaml or json", "table")
    .addHelpText("after", "\nExample:\n  status || mail -s 'mesh' ops\n")
    .action((options: { allMeshes: boolean; output: string }) => withSession((session) => runStatus(session, options)));
  program
    .command("events")
    .description("What changed: proxies that came and went, resources and by whom")
    .option("-w, --watch", "go on with what happens", false)
    .option("--name <name>", "only of this proxy or resource")
    .option("--since <duration>", "how far back, such as 1h, or a time (default: all that is kept)")
    .option("-A, --all-meshes", "of all meshes", false)
    .option("-o, --output <format>", "table, yaml or json", "table")
    .addHelpText("after", "\nExamples:\n  events --since 1h\n  events -w --name redis-1\n")
    .action((options: { watch: boolean; name?: string; since?: string; allMeshes: boolean; output: string }) =>
      withSession((session) => runEvents(session, options)),
    );

  const wait = program.command("wait").description("Wait until something is there; exit code 1 when the time is up");
  wait
    .command("service <name>")
    .description("Until so many endpoints of a service are healthy")
    .option("--healthy <n>", "how many", "1")
    .option("--timeout <duration>", "how long", "30s")
    .addHelpText("after", "\nExample:\n  wait service redis --healthy 2 --timeout 30s\n")
    .action((name: string, options: { healthy: string; timeout: string }) =>
      withSession((session) => runWaitService(session, name, options)),
    );
  wait
    .command("dataplane <name>")
    .description("Until a Dataplane is Online and has the newest configuration")
    .option("--timeout <duration>", "how long", "30s")
    .addHelpText("after", "\nExample:\n  wait dataplane redis-1 --timeout 1m\n")
    .action((name: string, options: { timeout: string }) =>
      withSession((session) => runWaitDataplane(session, name, options)),
    );
}
