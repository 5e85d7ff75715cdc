/**
 * What simulated sidecars see of a control plane, and what they cost it: see `engine/options.ts` for the options. The table
 * goes to stdout, one JSON line with all figures after it.
 */
import { startControlPlane } from "./engine/control-plane.ts";
import { type Figures, measure } from "./engine/measure.ts";
import { readOptions, USAGE } from "./engine/options.ts";
import { scaleTable, table } from "./engine/report.ts";
import { shapeFor } from "./engine/shape.ts";

const say = (line: string) => process.stderr.write(`${line}\n`);

async function main(): Promise<void> {
  if (process.argv.includes("--help")) {
    process.stdout.write(USAGE);
    return;
  }
  const { sizes, against, few, workers, ...options } = readOptions(process.argv.slice(2));
  const results: Figures[] = [];
  for (const proxies of sizes) {
    await using plane = await startControlPlane(against);
    const shape = shapeFor(proxies, few);
    try {
      const figures = await measure(plane, { ...options, shape, workers: workers ?? (proxies < 3000 ? 1 : 2), say });
      process.stdout.write(`${table(figures).join("\n")}\n`);
      results.push(figures);
    } catch (error) {
      say(`what the control plane logged last:\n${plane.tail()}`);
      throw error;
    }
  }
  if (sizes.length > 1) process.stdout.write(`${scaleTable(results).join("\n")}\n`);
  process.stdout.write(`${JSON.stringify({ bench: "engine", against: against ?? "monomesh", results })}\n`);
}

await main();
