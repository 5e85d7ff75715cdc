import { MeshError } from "../../core/kernel/errors.ts";
import { nearest } from "../../core/kernel/nearest.ts";
import { VERSION } from "../../core/kernel/runtime.ts";
import { runHelp } from "../../core/sidecar/options/help.ts";
import { parseDpArgs } from "../../core/sidecar/options/parse-args.ts";
import type { Io } from "../terminal/io.ts";

const VERBS = ["run", "wait", "version", "help"];

/**
 * `monomesh dp …` and `kuma-dp …` (contract, section 2.1). Resolves to the exit code when the sidecar has ended.
 *
 * @param startedAt when the start began, on the scale of `performance.now()`: 0 is the start of the process
 */
export async function runDp(args: readonly string[], io: Io, startedAt = 0): Promise<number> {
  const program = io.calledAs === "kuma-dp" ? "kuma-dp" : "monomesh dp";
  if (args.includes("--version")) return version(io);
  const verb = VERBS.find((each) => each === args[0]);
  const rest = verb ? args.slice(1) : args;
  if (verb === "wait") {
    const { runWait } = await import("./wait.ts");
    return runWait(rest, io, program);
  }
  if (verb === "version") return version(io);
  const parsed = parseDpArgs(rest, `${program} run`);
  const [word, ...surplus] = verb ? ["run", ...parsed.positionals] : parsed.positionals;
  if (parsed.help || verb === "help") {
    io.stdout.write(verb === "run" || word === "run" ? runHelp(program) : overview(program));
    return 0;
  }
  if (word !== "run") throw unknownVerb(word, program);
  if (surplus.length > 0) {
    throw new MeshError("MM100", `${program} run does not take "${surplus[0]}"`, {
      todo: `Help: ${program} run --help`,
    });
  }
  const { runSidecar } = await import("./run-sidecar.ts");
  return runSidecar(parsed, io, startedAt);
}

function version(io: Io): number {
  io.stdout.write(`monomesh ${VERSION} (speaks Kuma 2.14)\n`);
  return 0;
}

function unknownVerb(word: string | undefined, program: string): MeshError {
  const close = word === undefined ? undefined : nearest(word, VERBS);
  return new MeshError("MM100", word === undefined ? "a command is missing" : `${program} has no command "${word}"`, {
    todo: close ? `Did you mean ${program} ${close}?` : `${program} run starts a sidecar; help: ${program} --help`,
  });
}

function overview(program: string): string {
  return `${program}: the sidecar, a supervisor of Envoy beside one application

  run        start it, join the mesh, leave when stopped
  wait       wait until a sidecar on this machine is ready
  version    print the version

Help: ${program} run --help, ${program} wait --help

Examples:
  ${program} run --cp-address=https://10.0.0.11:5678 --dataplane-file=dp.yaml --dataplane-token-file=redis-1.token
  ${program} wait --timeout=30s && start-my-application
`;
}
