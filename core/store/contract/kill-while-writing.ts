import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { WriterCommand } from "./store-case.ts";

/** Starts a program that runs `writeAndTell`, and kills it at a random moment after its first answer; the newest version answered, by name. */
export async function killWhileWriting(command: WriterCommand, signal: AbortSignal): Promise<Map<string, number>> {
  const child = spawn(command.file, command.args, { stdio: ["ignore", "pipe", "pipe"] });
  const onAbort = () => child.kill("SIGKILL");
  signal.addEventListener("abort", onAbort, { once: true });
  let output = "";
  let complaint = "";
  const first = Promise.withResolvers<void>();
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    first.resolve();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint += text;
  });
  const ended = once(child, "close");
  try {
    await Promise.race([first.promise, ended]);
    if (child.exitCode !== null) throw new Error(`the writing process ended by itself: ${complaint || child.exitCode}`);
    await sleep(Math.random() * 40);
  } finally {
    child.kill("SIGKILL");
    await ended;
    signal.removeEventListener("abort", onAbort);
  }
  const answered = new Map<string, number>();
  for (const line of output.split("\n").slice(0, -1)) {
    const [, name = "", version] = line.split(" ");
    answered.set(name, Number(version));
  }
  return answered;
}
