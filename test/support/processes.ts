import { readdirSync, readFileSync } from "node:fs";

/** Memory of a process in bytes, from /proc/PID/smaps_rollup. */
export interface MemoryUse {
  /** What only this process needs: written pages. Pages of the executable file are shared by all that run it. */
  readonly privateDirty: number;
  readonly rss: number;
}

export function memoryOf(pid: number): MemoryUse {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const kilobytes = (label: string) =>
    Number(new RegExp(`^${label}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? Number.NaN) * 1024;
  return { privateDirty: kilobytes("Private_Dirty"), rss: kilobytes("Rss") };
}

/** CPU time of a process so far, in seconds (user and system, all threads). */
export function cpuSecondsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Processes whose parent is `pid`. */
export function childrenOf(pid: number): number[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .filter((entry) => {
      try {
        return Number(readFileSync(`/proc/${entry}/stat`, "utf8").split(") ")[1]?.split(" ")[1]) === pid;
      } catch {
        return false;
      }
    })
    .map(Number);
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
