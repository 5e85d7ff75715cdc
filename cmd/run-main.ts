import { MeshError } from "../core/kernel/errors.ts";
import { calledAs, VERSION } from "../core/kernel/runtime.ts";
import { reportError } from "./terminal/error-text.ts";
import type { Io } from "./terminal/io.ts";

/**
 * Picks the role: by the name the program was called by, else by the first word. Each role is loaded only when it is
 * picked, so that none pays for another. Resolves to the exit code.
 */
export async function runMain(args: readonly string[]): Promise<number> {
  const io: Io = {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    calledAs: calledAs(),
  };
  try {
    if (args[0] === "--version") {
      io.stdout.write(`monomesh ${VERSION}\n`);
      return 0;
    }
    if (io.calledAs === "kuma-cp") return await runControlPlane(args, io);
    if (io.calledAs === "kuma-dp") return await runSidecar(args, io);
    if (io.calledAs === "kumactl") return await runCommandLine(args, io);
    const [role, ...rest] = args;
    switch (role) {
      case "cp":
        return await runControlPlane(rest, io);
      case "dp":
        return await runSidecar(rest, io);
      case "ctl":
        return await runCommandLine(rest, io);
      case "plugin": {
        const { runPlugin } = await import("./plugin/run-plugin.ts");
        return await runPlugin(rest, io);
      }
      case "demo": {
        const { runDemo } = await import("./demo/run-demo.ts");
        return await runDemo(rest, io);
      }
      case undefined:
      case "help":
      case "--help":
      case "-h": {
        const { mainHelp } = await import("./help.ts");
        io.stdout.write(mainHelp(rest[0]));
        return role === undefined ? 2 : 0;
      }
      default:
        return await runCommandLine(args, io);
    }
  } catch (error) {
    return reportError(io, error);
  }
}

async function runControlPlane(args: readonly string[], io: Io): Promise<number> {
  // The page prints `kuma-cp run --name=… --mesh=…` where the sidecar is meant.
  if (args[0] === "run" && args.some((arg) => /^--(name|mesh|dataplane.*|cp-address)(=|$)/.test(arg))) {
    const right = io.calledAs === "kuma-cp" ? "kuma-dp" : "monomesh dp";
    throw new MeshError("MM101", "--name and --mesh start a sidecar, not a control plane", {
      todo: `You mean:  ${right} ${args.join(" ")}`,
    });
  }
  const { runCp } = await import("./cp/run-cp.ts");
  return runCp(args, io);
}

async function runSidecar(args: readonly string[], io: Io): Promise<number> {
  const { runDp } = await import("./dp/run-dp.ts");
  return runDp(args, io);
}

async function runCommandLine(args: readonly string[], io: Io): Promise<number> {
  // `events -w | head -1`: the reader has enough, and that is no failure.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    throw error;
  });
  const { runCtl } = await import("./ctl/run-ctl.ts");
  return runCtl(args, io);
}
