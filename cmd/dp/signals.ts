import { readFileSync } from "node:fs";
import { toMeshError } from "../../core/kernel/errors.ts";
import type { Logger } from "../../core/kernel/log.ts";
import type { Supervisor } from "../../core/sidecar/supervisor.ts";

/** SIGHUP too: when the terminal is closed, Envoy must not stay behind. */
const STOP_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Started under nohup, SIGHUP is ignored, and a handler would undo that. Signal 1 is the lowest bit of the mask. */
function hangupIsIgnored(): boolean {
  try {
    const mask = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
    return (BigInt(`0x${mask}`) & 1n) === 1n;
  } catch {
    return false;
  }
}

/** Gives the process's signals to the supervisor: first leave, second stop now, third end with 1 (contract, section 2.8). */
export function handleSignals(supervisor: Supervisor, log: Logger): Disposable {
  let count = 0;
  const stopSignals = STOP_SIGNALS.filter((signal) => signal !== "SIGHUP" || !hangupIsIgnored());
  const onStop = () => {
    count++;
    if (count >= 3) process.exit(1);
    supervisor.stop();
  };
  const onDrain = () => {
    supervisor.drainListeners().catch((error: unknown) => log.warn("drain", toMeshError(error).message));
  };
  for (const signal of stopSignals) process.on(signal, onStop);
  process.on("SIGUSR2", onDrain);
  return {
    [Symbol.dispose]() {
      for (const signal of stopSignals) process.off(signal, onStop);
      process.off("SIGUSR2", onDrain);
    },
  };
}
