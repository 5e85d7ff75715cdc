import { spawn } from "node:child_process";
import type { Clock } from "./clock.ts";
import type { Logger } from "./log.ts";
import type { Scope } from "./scope.ts";

export interface ServiceManagerOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly scope: Scope;
  /** Whether the service does what it is there for; while it does not, systemd's watchdog is not fed. Default: it does. */
  alive?(): boolean;
}

/** Tells systemd how the service is (sd_notify(3)). Without systemd nothing happens; nothing that fails here matters to the service. */
export interface ServiceManager {
  /** It serves from now on; from now on the watchdog is fed. */
  ready(status: string): void;
  /** One line for `systemctl status`. */
  status(text: string): void;
  /** It ends, within `withinMs` milliseconds: systemd waits so long even if its TimeoutStopSec is shorter. */
  stopping(status: string, withinMs: number): void;
}

/** More than a sender ever takes; milliseconds. */
const SEND_MS = 5000;
/** Time that the end of a service may take longer than it thinks. */
const STOP_SLACK_MS = 15_000;

/**
 * Node has no datagram sockets of the Unix kind, so a program sends the message: systemd's own, or Perl where that is not
 * installed. As root `systemd-notify` sends it in our name; otherwise the unit needs `NotifyAccess=all` (docs/systemd.md).
 * A message a state, and one in half the watchdog's time: no process stays and none is started more often.
 */
const SENDERS: readonly (readonly string[])[] = [
  ["systemd-notify"],
  [
    "perl",
    "-e",
    `use Socket; my $to = $ENV{NOTIFY_SOCKET}; $to =~ s/^@/\\0/; socket(my $s, PF_UNIX, SOCK_DGRAM, 0) or exit 1;
     send($s, join("\\n", @ARGV), 0, pack_sockaddr_un($to)) or exit 1`,
  ],
];

export function openServiceManager(options: ServiceManagerOptions): ServiceManager {
  const { env, clock, scope } = options;
  if (!env["NOTIFY_SOCKET"]) return { ready: () => undefined, status: () => undefined, stopping: () => undefined };
  const send = createSender(options);
  const feedEvery = watchdogPeriod(env);
  let feeding: Disposable | undefined;
  let underWay = false;
  const feed = () => {
    // A sender that hangs must not have a queue behind it.
    if (!underWay && (options.alive?.() ?? true)) {
      underWay = true;
      void send(["WATCHDOG=1"]).finally(() => {
        underWay = false;
      });
    }
    if (feedEvery !== undefined && !scope.closed) feeding = clock.after(feedEvery, feed);
  };
  scope.defer(() => feeding?.[Symbol.dispose]());
  return {
    ready(status) {
      void send(["READY=1", `STATUS=${status}`]);
      if (feedEvery !== undefined && feeding === undefined) feed();
    },
    status: (text) => void send([`STATUS=${text}`]),
    stopping: (status, withinMs) =>
      void send(["STOPPING=1", `STATUS=${status}`, `EXTEND_TIMEOUT_USEC=${(withinMs + STOP_SLACK_MS) * 1000}`]),
  };
}

/** Half of what systemd allows, milliseconds; undefined if it does not watch this process. */
function watchdogPeriod(env: ServiceManagerOptions["env"]): number | undefined {
  const microseconds = Number(env["WATCHDOG_USEC"]);
  const mine = !env["WATCHDOG_PID"] || Number(env["WATCHDOG_PID"]) === process.pid;
  return mine && microseconds > 0 ? microseconds / 2000 : undefined;
}

/** One message after the other, so that none overtakes another. */
function createSender({ env, log }: ServiceManagerOptions): (lines: readonly string[]) => Promise<void> {
  let senders = SENDERS;
  let last = Promise.resolve();
  const trySend = async (lines: readonly string[]) => {
    for (;;) {
      const [sender] = senders;
      if (!sender) return;
      if (await run(sender, lines, env)) return;
      senders = senders.slice(1);
      if (senders.length === 0)
        log.warn(
          "notify",
          "systemd wants to be told how the service is (NOTIFY_SOCKET), but neither systemd-notify nor perl is installed",
        );
    }
  };
  return (lines) => {
    last = last.then(() => trySend(lines.map((line) => line.replaceAll("\n", " "))));
    return last;
  };
}

/** False if there is no such program. What it says of a socket that is gone interests nobody. */
function run(
  [program = "", ...args]: readonly string[],
  lines: readonly string[],
  env: ServiceManagerOptions["env"],
): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const { PATH, NOTIFY_SOCKET } = env;
  const child = spawn(program, [...args, ...lines], {
    stdio: "ignore",
    env: { PATH, NOTIFY_SOCKET },
    timeout: SEND_MS,
  });
  child.once("error", (error: NodeJS.ErrnoException) => resolve(error.code !== "ENOENT"));
  child.once("exit", () => resolve(true));
  child.unref(); // a service that ends does not wait for it
  return promise;
}
