import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";

/** Node has no datagram sockets of the Unix kind; Perl has. */
const RECEIVER = `use Socket; $| = 1; my $at = $ARGV[0]; $at =~ s/^@/\\0/;
socket(my $s, PF_UNIX, SOCK_DGRAM, 0) or die; bind($s, pack_sockaddr_un($at)) or die $!; print "bound\\n";
while (defined recv($s, my $m, 4096, 0)) { $m =~ s/\\n/ | /g; print "$m\\n" }`;

/** Why there can be no such socket here; undefined if there can. */
export function notifySocketLack(): string | undefined {
  return spawnSync("perl", ["-MSocket", "-e", "1"]).status === 0 ? undefined : "perl is not installed";
}

export interface NotifySocket {
  /** For the variable NOTIFY_SOCKET. */
  readonly address: string;
  /** Messages so far, their lines joined by ` | `; not those by which a sender asks whether it was heard. */
  readonly messages: readonly string[];
}

/** Stands in for systemd: a real datagram socket, at a path or (with `@`) in the abstract namespace. Gone with the test. */
export async function openNotifySocket(test: TestContext, address: string): Promise<NotifySocket> {
  const child: ChildProcess = spawn("perl", ["-e", RECEIVER, address], { stdio: ["ignore", "pipe", "inherit"] });
  test.after(() => child.kill("SIGKILL"));
  const messages: string[] = [];
  const bound = Promise.withResolvers<void>();
  child.once("exit", () => bound.reject(new Error("the receiver ended")));
  createInterface({ input: child.stdout as NodeJS.ReadableStream }).on("line", (line) => {
    if (line === "bound") bound.resolve();
    else if (line !== "BARRIER=1") messages.push(line);
  });
  await bound.promise;
  return { address, messages };
}
