import { readFileSync, readlinkSync } from "node:fs";

/** A process that cannot be confused with a later one of the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since the machine was started, from /proc; 0 where that is unknown. */
  readonly startTime: number;
  /** The PID namespace in which the number counts, as /proc shows it; absent where that is unknown. */
  readonly namespace?: string;
}

export function identityOf(pid: number): ProcessIdentity {
  const namespace = ownNamespace();
  return { pid, startTime: startTimeOf(pid) ?? 0, ...(namespace === undefined ? {} : { namespace }) };
}

/** Whether this process can tell if that one runs: containers that share a directory do not see each other's processes. */
export function isInSight({ namespace }: ProcessIdentity): boolean {
  return namespace === undefined || namespace === ownNamespace();
}

function ownNamespace(): string | undefined {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return undefined;
  }
}

/** Whether that very process still runs. A zombie does not: it holds neither ports nor files. */
export function isAlive({ pid, startTime }: ProcessIdentity): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  const now = startTimeOf(pid);
  return now !== undefined && (startTime === 0 || now === startTime);
}

/** `S` sleeping, `T` stopped by a signal, `t` held by a debugger, … (proc_pid_stat(5)); undefined for a process that has ended. */
export function processState(pid: number): string | undefined {
  return statOf(pid)?.[0];
}

function startTimeOf(pid: number): number | undefined {
  const fields = statOf(pid);
  return fields && Number(fields[19]);
}

/** Fields of /proc/PID/stat from the third on; the second is the program's name in parentheses and may hold anything. */
function statOf(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? undefined : fields;
  } catch {
    return undefined;
  }
}
