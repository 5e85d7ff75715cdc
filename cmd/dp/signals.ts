import { toMeshError } from "../../core/kernel/errors.ts";
import type { Logger } from "../../core/kernel/log.ts";
import type { Supervisor } from "../../core/sidecar/supervisor.ts";

/** The terminal was closed (SIGHUP) counts like the others: Envoy must not stay behind. */
const STOP_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Gives the process's signals to the supervisor: first leave, second stop now, third end with 1 (contract, section 2.8). */
export function handleSignals(supervisor: Supervisor, log: Logger): Disposable {
  let count = 0;
  const onStop = () => {
    count++;
    if (count >= 3) process.exit(1);
    supervisor.stop();
  };
  const onDrain = () => {
    supervisor.drainListeners().catch((error: unknown) => log.warn("drain", toMeshError(error).message));
  };
  for (const signal of STOP_SIGNALS) process.on(signal, onStop);
  process.on("SIGUSR2", onDrain);
  return {
    [Symbol.dispose]() {
      for (const signal of STOP_SIGNALS) process.off(signal, onStop);
      process.off("SIGUSR2", onDrain);
    },
  };
}
