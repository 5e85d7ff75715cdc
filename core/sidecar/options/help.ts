import { formatDuration } from "../../kernel/duration.ts";
import { wrap } from "../../kernel/wrap.ts";
import type { DpOption } from "./option.ts";
import { OPTION_LIST } from "./option-table.ts";

const COLUMN = 40;
const WIDTH = 100;

/** Help of `dp run`, made from the option table. `program` is what the user typed: `monomesh dp` or `kuma-dp`. */
export function runHelp(program: string): string {
  const shown = OPTION_LIST.filter(([, each]) => !each.hidden);
  const flags = shown.filter(([, each]) => each.flag !== undefined);
  const variables = shown.filter(([, each]) => each.flag === undefined);
  return `${program} run

Runs Envoy beside one application: reads the definition of its Dataplane, joins the mesh,
supervises Envoy, and leaves gracefully when stopped.

${flags.flatMap(([, each]) => flagLines(each)).join("\n")}
  -v, --dataplane-var KEY=VALUE         Value for the template; may be repeated.
  -h, --help

Each flag has a variable: MONOMESH_ and KUMA_ before these names.
${orderLine(program)}
${flags.flatMap(([, each]) => (each.variable && each.flag ? [`  --${each.flag}`.padEnd(COLUMN) + (each.ours ? `MONOMESH_${each.variable} only` : each.variable)] : [])).join("\n")}

Only as variables:
${variables.flatMap(([, each]) => variableLines(each)).join("\n")}

Examples:
  ${program} run --cp-address=https://10.0.0.11:5678 --dataplane-file=dp.yaml \\
    --dataplane-var name=redis-1 --dataplane-var address=192.168.0.1 \\
    --dataplane-token-file=redis-1.token
  ${program} run --cp-address=https://10.0.0.11:5678 --name=redis-1 --mesh=default \\
    --dataplane-token-file=redis-1.token
  ${program} wait --timeout=30s
`;
}

function orderLine(program: string): string {
  return program.startsWith("kuma")
    ? "As with kuma-dp a variable wins over a flag."
    : "A flag wins over MONOMESH_, that over KUMA_.";
}

function flagLines(each: DpOption): string[] {
  const short = each.short ? `-${each.short}, ` : "    ";
  return twoColumns(
    `  ${short}--${each.flag}${each.takes ? ` ${each.takes}` : ""}`,
    each.description + defaultText(each),
  );
}

function variableLines(each: DpOption): string[] {
  return twoColumns(`  ${each.variable}`, each.description + defaultText(each));
}

function twoColumns(left: string, right: string): string[] {
  const [first = "", ...rest] = wrap(right, WIDTH - COLUMN);
  const below = rest.map((line) => " ".repeat(COLUMN) + line);
  return left.length < COLUMN ? [left.padEnd(COLUMN) + first, ...below] : [left, " ".repeat(COLUMN) + first, ...below];
}

function defaultText(each: DpOption): string {
  if (each.default === "" || each.default === false || each.description.includes("efault") || each.default === 0)
    return "";
  const isDuration = each.type.expects.startsWith("a duration");
  return ` (${isDuration ? formatDuration(each.default as number) : String(each.default)})`;
}
