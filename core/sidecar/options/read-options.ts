import { MeshError, type Violation } from "../../kernel/errors.ts";
import { nearest } from "../../kernel/nearest.ts";
import { type DpOption, KUMA_PREFIX, OUR_PREFIX } from "./option.ts";
import { OPTION_LIST, type OptionKey, type OptionValues } from "./option-table.ts";
import type { ParsedArgs } from "./parse-args.ts";
import { readVariables, type TemplateVariables } from "./variables.ts";

export interface OptionSources {
  readonly args: ParsedArgs;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Called as `kuma-dp`: its order, in which a variable beats a flag (contract, section 2.1). */
  readonly asKuma: boolean;
  /** Whether a `MONOMESH_` variable that the sidecar does not know belongs to another role or the program itself. */
  readonly foreignVariable: (name: string) => boolean;
}

export interface SidecarOptions {
  readonly values: OptionValues;
  readonly variables: TemplateVariables;
  /** Sentences to print once at start. */
  readonly notes: readonly string[];
  /** `flag --drain-time`, `variable KUMA_DATAPLANE_DRAIN_TIME` or `default`. */
  origin(key: OptionKey): string;
}

const IGNORE_KUMA = "MONOMESH_IGNORE_KUMA_ENV";

interface Candidate {
  readonly origin: string;
  readonly raw: string;
  readonly value: unknown;
}

/**
 * Merges the sources: flag > `MONOMESH_` > `KUMA_` > default; called as kuma-dp: variables before flags. An empty variable
 * counts as not set. All problems are thrown as one MM201; two sources that differ give a note that names the winner.
 */
export function readOptions(sources: OptionSources): SidecarOptions {
  const problems: Violation[] = [];
  const notes: string[] = [];
  const origins = new Map<OptionKey, string>();
  const values: Partial<Record<OptionKey, unknown>> = {};
  for (const [key, each] of OPTION_LIST) {
    const winner = pick(each, candidates(key, each, sources, problems), sources.asKuma, notes);
    values[key] = winner ? winner.value : each.default;
    origins.set(key, winner?.origin ?? "default");
    const refused = winner ? each.refuse(winner.value) : undefined;
    if (winner && refused) problems.push({ field: winner.origin, message: refused });
  }
  checkVariables(sources, problems, notes);
  if (problems.length > 0) throw invalid(problems);
  const found = values as OptionValues;
  notes.push(...remarks(found));
  if (origins.get("token")?.startsWith("flag")) {
    notes.push(
      "a token in a flag is seen by everybody on this machine who lists processes; --dataplane-token-file is not",
    );
  }
  return {
    values: found,
    variables: readVariables(sources.args.vars),
    notes,
    origin: (key) => origins.get(key) ?? "default",
  };
}

function candidates(key: OptionKey, each: DpOption, sources: OptionSources, problems: Violation[]): Candidate[] {
  const found: Candidate[] = [];
  const add = (origin: string, raw: string) => {
    const value = each.type.fromText(raw);
    if (value !== undefined) found.push({ origin, raw, value });
    else {
      const given = each.secret ? "the value given" : JSON.stringify(raw);
      problems.push({ field: origin, message: `takes ${each.type.expects}, not ${given}` });
    }
  };
  const flagValue = sources.args.given.get(key);
  const addFlag = () => {
    if (flagValue !== undefined) add(`flag --${each.flag}`, flagValue);
  };
  if (!sources.asKuma) addFlag();
  if (each.variable !== undefined) {
    const prefixes = each.ours || sources.env[IGNORE_KUMA] === "1" ? [OUR_PREFIX] : [OUR_PREFIX, KUMA_PREFIX];
    for (const prefix of prefixes) {
      const raw = sources.env[prefix + each.variable];
      if (raw) add(`variable ${prefix}${each.variable}`, raw);
    }
  }
  if (sources.asKuma) addFlag();
  return found;
}

function pick(each: DpOption, found: readonly Candidate[], asKuma: boolean, notes: string[]): Candidate | undefined {
  const [winner, ...losers] = found;
  if (!winner) return undefined;
  const differing = losers.filter((other) => other.value !== winner.value);
  if (differing.length > 0) {
    const shown = (one: Candidate) => `${one.origin}${each.secret ? "" : ` (${one.raw})`}`;
    const order = asKuma && differing.some((other) => other.origin.startsWith("flag")) ? ", as with kuma-dp" : "";
    notes.push(`${shown(winner)} and ${differing.map(shown).join(" and ")} differ: ${winner.origin} wins${order}`);
  }
  return winner;
}

function checkVariables(sources: OptionSources, problems: Violation[], notes: string[]): void {
  const known = new Set(OPTION_LIST.flatMap(([, each]) => (each.variable ? [each.variable] : [])));
  const kumas = new Set(OPTION_LIST.flatMap(([, each]) => (each.variable && !each.ours ? [each.variable] : [])));
  const unknownKuma: string[] = [];
  for (const name of Object.keys(sources.env)) {
    if (name === IGNORE_KUMA) continue;
    if (name.startsWith(OUR_PREFIX) && !known.has(name.slice(OUR_PREFIX.length)) && !sources.foreignVariable(name)) {
      const close = nearest(
        name,
        [...known].map((rest) => OUR_PREFIX + rest),
      );
      problems.push({ field: `variable ${name}`, message: `names no setting.${close ? ` Nearest: ${close}` : ""}` });
    }
    if (name.startsWith(KUMA_PREFIX) && !kumas.has(name.slice(KUMA_PREFIX.length))) unknownKuma.push(name);
  }
  if (unknownKuma.length > 0 && sources.env[IGNORE_KUMA] !== "1") {
    notes.push(
      `variables that the sidecar does not act on: ${unknownKuma.sort().join(", ")} (MONOMESH_IGNORE_KUMA_ENV=1 if they belong to another program)`,
    );
  }
}

/** What is allowed but deserves a sentence. */
function remarks(values: OptionValues): string[] {
  const notes: string[] = [];
  const both = (a: OptionKey, b: OptionKey) => values[a] !== "" && values[b] !== "";
  if (both("dataplaneFile", "dataplane")) notes.push("a definition is given twice: the file wins over the inline one");
  if (both("token", "tokenFile")) notes.push("the token is given twice: the text wins over the file");
  if (both("caCert", "caCertFile")) notes.push("the CA is given twice: the text wins over the file");
  if (values.dnsEnabled) notes.push("no DNS server is started: without transparent proxying nothing would ask it");
  return notes;
}

function invalid(problems: readonly Violation[]): MeshError {
  const count = problems.length === 1 ? "one setting" : `${problems.length} settings`;
  return new MeshError("MM201", `${count} cannot be used. Nothing was started.`, {
    violations: problems,
    todo: "All flags and variables: monomesh dp run --help",
  });
}

/** The one place where `--work-dir` and its old names meet; undefined: a private directory is made. */
export function chosenWorkDir(values: OptionValues): string | undefined {
  return values.workDir || values.configDir || values.socketDir || undefined;
}
