import { rmSync } from "node:fs";
import { basename, join } from "node:path";
import type { Clock } from "../../kernel/clock.ts";
import { isAbortError } from "../../kernel/errors.ts";
import type { Logger } from "../../kernel/log.ts";
import type { Scope } from "../../kernel/scope.ts";
import type { Leftover } from "../work-dir/open-work-dir.ts";
import { isAlive } from "../work-dir/process-identity.ts";
import { EnvoyAdmin } from "./envoy-admin.ts";

export interface StopOptions {
  readonly leftover: Leftover;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface RetireOptions extends StopOptions {
  /** How long its connections may go on, milliseconds. */
  readonly drainTime: number;
  readonly scope: Scope;
}

const KILL_AFTER_MS = 5000;
const POLL_MS = 50;

/**
 * The new Envoy serves beside the one that a killed supervisor left, on the same ports: the old one takes no new connection
 * from now on, finishes what it has, and ends. Runs in the background; with the scope it ends at once.
 */
export function retireLeftover(options: RetireOptions): void {
  const { leftover, scope, log } = options;
  const retiring = retire(options, scope.signal).catch((error: unknown) => {
    if (!isAbortError(error))
      log.warn(
        "leftover",
        `the Envoy left by an earlier start (pid ${leftover.envoy.pid}) could not be retired: ${String(error)}`,
      );
  });
  scope.defer(() => retiring);
}

async function retire({ leftover, drainTime, clock, log }: RetireOptions, signal: AbortSignal): Promise<void> {
  const { pid } = leftover.envoy;
  log.info("leftover", `took over from the Envoy (pid ${pid}) that an earlier start of this sidecar left`, { pid });
  const until = clock.monotonic() + drainTime;
  try {
    if (leftover.adminSocket !== undefined) {
      const admin = new EnvoyAdmin({ path: leftover.adminSocket });
      await admin.stopListening();
      await admin.failHealthcheck();
      while (clock.monotonic() < until && isAlive(leftover.envoy) && (await admin.openConnections()) > 0) {
        await clock.sleep(POLL_MS, signal);
      }
    }
  } finally {
    await end(leftover, clock);
  }
}

/** Ends the old Envoy before the new one starts, because their ports cannot be shared. */
export async function stopLeftover({ leftover, clock, log }: StopOptions): Promise<void> {
  const { pid } = leftover.envoy;
  log.info(
    "leftover",
    `ends the Envoy (pid ${pid}) that an earlier start of this sidecar left; its ports cannot be shared`,
    { pid },
  );
  await end(leftover, clock);
}

async function end({ envoy, directory, adminSocket }: Leftover, clock: Clock): Promise<void> {
  const never = new AbortController().signal;
  const started = clock.monotonic();
  if (isAlive(envoy)) process.kill(envoy.pid, "SIGTERM");
  while (isAlive(envoy)) {
    if (clock.monotonic() - started > KILL_AFTER_MS) process.kill(envoy.pid, "SIGKILL");
    await clock.sleep(POLL_MS, never);
  }
  // A directory of ours goes; from one that the user chose only what lay there for the old Envoy.
  if (basename(directory).startsWith("dp-")) rmSync(directory, { recursive: true, force: true });
  else for (const file of [adminSocket, join(directory, "relay.sock")]) if (file) rmSync(file, { force: true });
}
