import type { ChangeFigures, Figures, Latency } from "./measure.ts";

/** What issue 5 of the project asks for at 1,000 sidecars; shown beside what was measured at that size. */
const GOALS_AT_1000: Readonly<Record<string, string>> = {
  connect: "5 s, 6 CPU s",
  endpoint: "30 / 70 ms",
  "endpoint cost": "0.12 s",
  few: "10 / 30 ms",
  "few cost": "0.03 s",
  policy: "250 / 600 ms",
  memory: "260 MB",
  idle: "1 %",
  lag: "50 ms",
};

/** The table of one size, as lines. */
export function table(figures: Figures): string[] {
  const { proxies, variant, connect, settled, idle, all, few, policy, end, empty, loopLag, lossCpu, failures } =
    figures;
  const rows: string[] = [`${proxies} sidecars, ${variant === "delta" ? "delta" : "state of the world"}`];
  const add = (what: string, measured: string, goal?: string) => {
    const shown = goal !== undefined && proxies === 1000 ? `   goal ${GOALS_AT_1000[goal]}` : "";
    rows.push(`  ${what.padEnd(58)} ${measured.padStart(22)}${shown}`);
  };
  add(
    "connect all, first full configuration",
    `${connect.wall.toFixed(2)} s, ${connect.cpu.toFixed(2)} CPU s`,
    "connect",
  );
  add("  CPU when all that follows is done too", `${connect.cpuAfter.toFixed(2)} CPU s`);
  const endpoints = (name: string, { added, removed, cpuPerChange }: ChangeFigures, goal: string) => {
    add(`${name} added, ${added.consumers} consumers, p50 / p99`, latencyText(added), goal);
    add(`${name} removed, ${removed.consumers} consumers, p50 / p99`, latencyText(removed), goal);
    add("  CPU per change", `${cpuPerChange.toFixed(3)} s`, `${goal} cost`);
  };
  endpoints("endpoint", all, "endpoint");
  endpoints("endpoint", few, "few");
  if (policy) {
    add("policy that changes every cluster, p50 / p99", latencyText(policy.latency), "policy");
    add("  CPU per change", `${policy.cpuPerChange.toFixed(3)} s`);
  } else add("policy that changes every cluster", "no MeshTimeout here");
  add("memory settled: RSS / PSS / anonymous", memoryText(settled), "memory");
  add("  before the first sidecar", memoryText(empty));
  add("  at the end", memoryText(end));
  add("CPU when nothing happens", `${(idle.cpu * 100).toFixed(2)} %`, "idle");
  if (loopLag) {
    const text = `${loopLag.connect.toFixed(0)} / ${loopLag.changes.toFixed(0)} / ${loopLag.loss.toFixed(0)} ms`;
    add("longest turn: connecting / changes / all lost at once", text, "lag");
  }
  add("all sidecars lost at once", `${lossCpu.toFixed(2)} CPU s`);
  add("generator: CPU to connect, per change, idle", generatorText(figures));
  if (failures.length > 0)
    rows.push(`  ${failures.length} times a sidecar was refused or cut off, e.g. ${failures[0]}`);
  return rows;
}

/** How cost grows: one line for each size. */
export function scaleTable(all: readonly Figures[]): string[] {
  const head = ["sidecars", "connect", "CPU s", "p50/p99 all", "CPU all", "p50/p99 few", "CPU few", "RSS", "idle"];
  const rows = all.map((figures) => [
    `${figures.proxies}`,
    `${figures.connect.wall.toFixed(1)} s`,
    figures.connect.cpu.toFixed(1),
    latencyText(figures.all.removed),
    `${figures.all.cpuPerChange.toFixed(3)} s`,
    latencyText(figures.few.removed),
    `${figures.few.cpuPerChange.toFixed(3)} s`,
    `${megabytes(figures.settled.rss)} MB`,
    `${(figures.idle.cpu * 100).toFixed(1)} %`,
  ]);
  return [head, ...rows].map((row) => row.map((cell) => cell.padStart(15)).join(""));
}

function latencyText({ p50, p99, missing }: Latency): string {
  const text = `${p50.toFixed(0)} / ${p99.toFixed(0)} ms`;
  return missing > 0 ? `${text}, ${missing} MISSING` : text;
}

function memoryText({ rss, pss, anonymous }: Figures["settled"]): string {
  return `${megabytes(rss)} / ${megabytes(pss)} / ${megabytes(anonymous)} MB`;
}

function generatorText({ connect, all, idle }: Figures): string {
  const change = all.generatorCpuPerChange.toFixed(3);
  return `${connect.generatorCpu.toFixed(1)} s, ${change} s, ${(idle.generatorCpu * 100).toFixed(1)} %`;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}
