/**
 * Presence with real sidecars, Envoys and load, row by row against its goals: `./build.sh bench presence`.
 *
 *   --proxies N       proxies of a large mesh; default 50
 *   --only ID,ID      these rows alone
 *   --sequences[=N]   the random sequences alone; default 20,000 of them
 *   --seed N          the first of their seeds
 *   --json FILE       the figures for machines
 *
 * Ends with 1 when a goal was missed. The rows are in presence/rows.ts, what they play in test/e2e/scenarios.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { openStage } from "../e2e/scenarios/stage.ts";
import { buildActs, type Measured, type Row } from "./presence/rows.ts";
import { playSequences } from "./presence/sequences.ts";

const SEQUENCES = 20_000;
/** backend-1, backend-2, cart-1 and web-1. */
const LEADING = 4;

interface Outcome extends Pick<Row, "id" | "event" | "kuma" | "goal">, Measured {}

const { values } = parseArgs({
  args: process.argv.slice(2).map((arg) => (arg === "--sequences" ? `--sequences=${SEQUENCES}` : arg)),
  options: {
    proxies: { type: "string", default: "50" },
    only: { type: "string" },
    sequences: { type: "string" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 1_000_000_000)) },
    json: { type: "string" },
  },
});
const only = values.only?.split(",");
const outcomes: Outcome[] = [];
if (values.sequences === undefined) {
  const more = Math.max(0, Number(values.proxies) - LEADING);
  for (const { stage: options, rows } of buildActs(more)) {
    const wanted = rows.filter((row) => !only || only.includes(row.id));
    if (wanted.length === 0) continue;
    process.stderr.write(`${LEADING + (options.more ?? 0)} proxies join\n`);
    await using stage = await openStage(options);
    for (const row of wanted) {
      process.stderr.write(`${row.id}: ${row.event}\n`);
      tell(row, await row.measure(stage));
    }
  }
}
if (only === undefined || only.includes("sequences")) {
  const count = Number(values.sequences ?? SEQUENCES);
  const seed = Number(values.seed);
  const row = {
    id: "sequences",
    event: `${count} random sequences from seed ${seed}`,
    kuma: "–",
    goal: "none breaks an invariant",
  };
  const { seconds } = await playSequences(count, seed);
  tell(row, { text: `none did, in ${seconds.toFixed(0)} s`, good: true, figures: { count, seed, seconds } });
}
if (values.json) writeFileSync(values.json, `${JSON.stringify(outcomes, undefined, 2)}\n`);
if (outcomes.some((each) => each.good === false)) process.exitCode = 1;

function tell({ id, event, kuma, goal }: Omit<Row, "measure">, measured: Measured): void {
  outcomes.push({ id, event, kuma, goal, ...measured });
  const verdict = { true: "reached", false: "MISSED", undefined: "not measured" }[`${measured.good}`];
  process.stdout.write(
    `${event}\n  Kuma 2.14.3  ${kuma}\n  goal         ${goal}: ${verdict}\n  measured     ${measured.text}\n\n`,
  );
}
