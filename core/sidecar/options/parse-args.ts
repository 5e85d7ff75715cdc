import { parseArgs } from "node:util";
import { MeshError } from "../../kernel/errors.ts";
import { nearest } from "../../kernel/nearest.ts";
import { flag as switchType } from "../../kernel/settings/setting.ts";
import { OPTION_LIST, type OptionKey } from "./option-table.ts";

export interface ParsedArgs {
  /** Raw values by option; a flag that was repeated counts as it was given last, unless it is repeatable. */
  readonly given: ReadonlyMap<OptionKey, string>;
  /** Texts of `--dataplane-var`, in order. */
  readonly vars: readonly string[];
  readonly positionals: readonly string[];
  readonly help: boolean;
}

const VAR_FLAG = "dataplane-var";

/** Reads flags as kuma-dp does (`--flag value`, `--flag=value`, `--switch`, `--switch=false`). Rejects with MM100. */
export function parseDpArgs(args: readonly string[], command: string): ParsedArgs {
  const byFlag = new Map(
    OPTION_LIST.flatMap(([key, each]) => (each.flag ? [[each.flag, { key, each }] as const] : [])),
  );
  const options: Record<string, { type: "string" | "boolean"; short?: string; multiple?: boolean }> = {
    help: { type: "boolean", short: "h" },
    [VAR_FLAG]: { type: "string", short: "v", multiple: true },
  };
  for (const [name, { each }] of byFlag) {
    options[name] = {
      type: each.takes === undefined ? "boolean" : "string",
      ...(each.short ? { short: each.short } : {}),
    };
  }
  const { tokens } = parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true });
  const given = new Map<OptionKey, string>();
  const vars: string[] = [];
  const positionals: string[] = [];
  let help = false;
  for (const part of tokens) {
    if (part.kind === "positional") positionals.push(part.value);
    if (part.kind !== "option") continue;
    if (part.name === "help") {
      help = true;
      continue;
    }
    const known = byFlag.get(part.name);
    if (!known && part.name !== VAR_FLAG)
      throw unknownFlag(part.rawName, [...byFlag.keys(), VAR_FLAG, "help"], command);
    const value = part.value ?? (known?.each.takes === undefined ? "true" : undefined);
    if (value === undefined || (part.name === VAR_FLAG && part.value === undefined)) {
      throw new MeshError("MM100", `${part.rawName} needs a value`, { todo: `Help: ${command} --help` });
    }
    const before = known?.each.repeatable ? given.get(known.key) : undefined;
    if (known) given.set(known.key, before === undefined ? value : `${before},${value}`);
    else vars.push(value);
  }
  return { given, vars, positionals: positionals.map((each) => strayWord(each, given)), help };
}

/** `--skip-verify false` reads as the switch and a stray word; say so instead of "unexpected argument". */
function strayWord(word: string, given: ReadonlyMap<OptionKey, string>): string {
  if (switchType.fromText(word) !== undefined && given.size > 0) {
    throw new MeshError("MM100", `the word "${word}" stands alone`, {
      todo: `Switches take their value with =, as --skip-verify=${word}.`,
    });
  }
  return word;
}

function unknownFlag(rawName: string, known: readonly string[], command: string): MeshError {
  const close = nearest(rawName.replace(/^-+/, ""), known);
  return new MeshError("MM100", `${rawName} is no flag of ${command}`, {
    todo: `${close ? `Nearest: --${close}. ` : ""}Help: ${command} --help`,
  });
}
