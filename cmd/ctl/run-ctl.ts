import { Command, CommanderError, Option } from "commander";
import { parseDuration } from "../../core/kernel/duration.ts";
import { MeshError } from "../../core/kernel/errors.ts";
import { nearest } from "../../core/kernel/nearest.ts";
import { VERSION } from "../../core/kernel/runtime.ts";
import type { Io } from "../terminal/io.ts";
import { addConfigCommands } from "./config-commands.ts";
import { addLookCommands } from "./look-commands.ts";
import { addResourceCommands } from "./resource-commands.ts";
import { createSession, type Session } from "./session.ts";

/** How command files get at the session: global flags are known only once commander has parsed them. */
export type WithSession = (run: (session: Session) => Promise<number>) => Promise<void>;

/** `monomesh ctl …`, `monomesh …` and `kumactl …`: one grammar. Resolves to the exit code. */
export async function runCtl(args: readonly string[], io: Io): Promise<number> {
  const kumactl = io.calledAs === "kumactl";
  const program = new Command(kumactl ? "kumactl" : "monomesh");
  let exitCode = 0;
  const withSession: WithSession = async (run) => {
    const flags = program.opts<{ configFile?: string; mesh: string; apiTimeout: string }>();
    const apiTimeout = parseDuration(flags.apiTimeout);
    if (!apiTimeout) throw new MeshError("MM100", `--api-timeout ${flags.apiTimeout} is no duration`);
    exitCode = await run(createSession(io, { configFile: flags.configFile, mesh: flags.mesh, apiTimeout }));
  };
  program
    .description(kumactl ? "Management tool for the control plane" : "Look at a mesh and change it")
    .option("-m, --mesh <name>", "mesh to work in", "default")
    .option("--config-file <file>", "file with control planes and contexts")
    .option("--api-timeout <duration>", "time until a request is given up", "60s")
    .addOption(new Option("--log-level <level>", "accepted for kumactl's sake").default("off").hideHelp())
    .addOption(new Option("--no-config", "accepted for kumactl's sake").hideHelp())
    .enablePositionalOptions(false)
    .exitOverride()
    .configureOutput({ writeOut: (text) => void io.stdout.write(text), writeErr: () => undefined });
  addResourceCommands(program, withSession);
  if (!kumactl) addLookCommands(program, withSession);
  addConfigCommands(program, withSession);
  program
    .command("version")
    .description("Print the version")
    .action(() => void io.stdout.write(`Client: monomesh ${VERSION}\n`));
  inherit(program);
  try {
    await program.parseAsync([...args], { from: "user" });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return 0;
    throw usageError(error, program, args);
  }
}

/** Sub-commands do not inherit these by themselves in every case; one place sets them for all. */
function inherit(command: Command): void {
  for (const child of command.commands) {
    child.copyInheritedSettings(command);
    inherit(child);
  }
}

function usageError(error: CommanderError, program: Command, args: readonly string[]): MeshError {
  const text = error.message.replace(/^error: /, "").replace(/\n.*$/s, "");
  const word = /'([^']+)'/.exec(text)?.[1];
  const names = program.commands.map((each) => each.name());
  const close =
    error.code === "commander.unknownCommand" && word
      ? nearest(word, [...names, "cp", "dp", "demo", "plugin"])
      : undefined;
  const verb = args.find((arg) => names.includes(arg));
  return new MeshError("MM100", text || "a command is missing", {
    todo: close ? `Did you mean ${close}?` : `Help: ${program.name()}${verb ? ` ${verb}` : ""} --help`,
  });
}
