import type { Command } from "commander";
import { runEvents } from "./commands/events.ts";
import type { WithSession } from "./run-ctl.ts";

/** The verbs that say how a mesh is. kumactl has none of them. */
export function addLookCommands(program: Command, withSession: WithSession): void {
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
}
