import { resolve } from "node:path";
import { systemClock } from "../../core/kernel/clock.ts";
import { MeshError } from "../../core/kernel/errors.ts";
import { createLogger, type LogLevel } from "../../core/kernel/log.ts";
import { nearest } from "../../core/kernel/nearest.ts";
import { VERSION } from "../../core/kernel/runtime.ts";
import { Scope } from "../../core/kernel/scope.ts";
import { openServiceManager } from "../../core/kernel/service-manager.ts";
import type { Io } from "../terminal/io.ts";
import { createLogSink, logFormat } from "../terminal/log-sink.ts";
import { parseFlags } from "../terminal/parse-flags.ts";
import { createBanner } from "./banner.ts";
import { loadCpSettings } from "./load-cp-settings.ts";
import type { CpStart } from "./open-store.ts";

const HELP = `The control plane.

  run [-c FILE]    start it; FILE is YAML (all settings: monomesh config show --all)
  backup FILE      copy the store to FILE, also while it runs
  restore FILE     put such a copy in the place of the store, which is kept aside; the control plane must be stopped
  migrate up       make or bring up to date the tables in PostgreSQL (other stores need none)
  version          print the version

  -c, --config-file FILE    configuration file
      --plugin FILE         load a plugin; may be repeated
      --log-level LEVEL     off, error, warn, info or debug (default info)

Examples:
  monomesh cp run
  MONOMESH_STORE_TYPE=memory monomesh cp run -c /etc/monomesh/cp.yaml
  monomesh cp backup /var/backups/monomesh-$(date +%F).db
`;

const OPTIONS = {
  "config-file": { type: "string", short: "c" },
  plugin: { type: "string", multiple: true },
  "log-level": { type: "string", default: "info" },
  "log-output-path": { type: "string" },
  "log-max-size": { type: "string" },
  "log-max-retained-files": { type: "string" },
  "log-max-age": { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

/** `monomesh cp …` and `kuma-cp …`. Resolves to the exit code when the control plane has stopped. */
export async function runCp(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseFlags(args, OPTIONS, "monomesh cp --help");
  const [verb, ...rest] = positionals;
  if (values.help || verb === "help") {
    io.stdout.write(HELP);
    return 0;
  }
  switch (verb) {
    case "version":
      io.stdout.write(`monomesh ${VERSION}\n`);
      return 0;
    case "migrate":
      if (rest[0] !== "up")
        throw new MeshError("MM100", "migrate takes the word up", { todo: "monomesh cp migrate up" });
      return onStore(io, values["config-file"], values.plugin ?? [], async (start) =>
        (await import("./open-store.ts")).migrateConfiguredStore(start),
      );
    case "backup":
    case "restore": {
      const [file, extra] = rest;
      if (file === undefined || extra !== undefined) {
        throw new MeshError("MM100", `cp ${verb} takes one file`, { todo: `monomesh cp ${verb} FILE` });
      }
      return onStore(io, values["config-file"], values.plugin ?? [], async (start) =>
        (await import("./open-store.ts")).copyConfiguredStore(start, verb, resolve(file)),
      );
    }
    case "run":
      if (rest.length > 0)
        throw new MeshError("MM100", `cp run does not take "${rest[0]}"`, { todo: "Help: monomesh cp --help" });
      return run(io, values["config-file"], logLevel(values["log-level"]), values.plugin ?? []);
    default: {
      const close = verb ? nearest(verb, ["run", "backup", "restore", "migrate", "version"]) : undefined;
      throw new MeshError("MM100", verb ? `cp has no command "${verb}"` : "a command is missing", {
        todo: close ? `Did you mean ${close}?` : "monomesh cp run starts the control plane.",
      });
    }
  }
}

function logLevel(word: string): LogLevel | "off" {
  const found = (["off", "error", "warn", "info", "debug"] as const).find((level) => level === word);
  if (!found)
    throw new MeshError("MM100", `--log-level ${word} is no level`, { todo: "One of off, error, warn, info, debug." });
  return found;
}

async function run(
  io: Io,
  configFile: string | undefined,
  level: LogLevel | "off",
  plugins: readonly string[],
): Promise<number> {
  const startedAt = performance.now();
  const settings = await loadCpSettings(io, configFile);
  const format = logFormat(io);
  const log = createLogger(createLogSink(io, format), level);
  const scope = new Scope("cp");
  const stopped = stopSignals(scope);
  try {
    const start = { scope, settings, log, calledAs: io.calledAs, plugins };
    // The store's writer thread starts while this thread loads everything else.
    const { openConfiguredStore } = await import("./open-store.ts");
    const opened = await openConfiguredStore(start);
    const { startControlPlane } = await import("./wiring.ts");
    const running = await startControlPlane(start, opened);
    for (const note of settings.notes) log.warn("configuration", note);
    const ready = { seconds: (performance.now() - startedAt) / 1000, version: VERSION };
    if (format === "human") io.stderr.write(createBanner(running.facts, ready));
    else
      log.info("ready", `ready in ${ready.seconds.toFixed(2)} s`, {
        ...running.facts,
        readyMs: Math.round(ready.seconds * 1000),
        version: VERSION,
      });
    const manager = openServiceManager({ env: io.env, clock: systemClock, log, scope });
    manager.ready(`control plane ${VERSION}, store ${running.facts.store}`);
    running.announced();
    await stopped.promise;
    manager.stopping("stopping", 0);
    log.info("stopping", "stopping; sidecars keep serving and come back by themselves");
    return 0;
  } finally {
    stopped.release();
    await scope.close();
  }
}

/** Resolves at the first SIGINT or SIGTERM. The second ends the process at once, as Kuma's third does (contract, section 1.3). */
function stopSignals(scope: Scope): { readonly promise: Promise<void>; release(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  let count = 0;
  const onSignal = () => {
    count++;
    if (count > 1) process.exit(1);
    resolve();
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  scope.signal.addEventListener("abort", () => resolve(), { once: true });
  return {
    promise,
    release: () => {
      process.off("SIGINT", onSignal);
      process.off("SIGTERM", onSignal);
    },
  };
}

/** Does something to the configured store without running a control plane, and prints the sentence it resolves to. */
async function onStore(
  io: Io,
  configFile: string | undefined,
  plugins: readonly string[],
  work: (start: CpStart) => Promise<string>,
): Promise<number> {
  const settings = await loadCpSettings(io, configFile);
  const scope = new Scope("store");
  try {
    const log = createLogger(createLogSink(io, logFormat(io)), "info");
    io.stdout.write(`${await work({ scope, settings, log, calledAs: io.calledAs, plugins })}\n`);
    return 0;
  } finally {
    await scope.close();
  }
}
