import { MeshError, type Violation } from "../errors.ts";
import { nearest } from "../nearest.ts";
import { monomeshVariable, type Setting } from "./setting.ts";

/** One key of the configuration file with its place. */
export interface FileEntry {
  readonly path: string;
  /** The path in its parts, whose names can hold dots. Default: split at the dots. */
  readonly keys?: readonly string[] | undefined;
  readonly value: unknown;
  /** `monomesh.yaml:12`. */
  readonly place: string;
}

export interface SettingSources {
  /** Values given by flags, by path. */
  readonly flags?: ReadonlyMap<string, { readonly value: unknown; readonly flag: string }> | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Leaves of the configuration file, flattened to paths. */
  readonly file?: readonly FileEntry[] | undefined;
  /** Variables that begin with `MONOMESH_` but belong to other roles or to the program itself. */
  readonly foreignVariable: (name: string) => boolean;
  /** Paths of Kuma's configuration that are known but not acted on: a prefix matches everything below it. */
  readonly kumaOnlyPaths: readonly string[];
  /** Paths that are for plugins; whether one knows them is seen once they are loaded. */
  readonly pluginPath?: ((path: string) => boolean) | undefined;
}

export interface ResolvedSetting {
  readonly setting: Setting;
  readonly value: unknown;
  /** `default`, `flag --config`, `variable KUMA_STORE_TYPE` or `monomesh.yaml:12`. */
  readonly origin: string;
}

/** The effective configuration with the origin of each value. */
export interface LoadedSettings {
  get<T>(setting: Setting<T>): T;
  readonly all: readonly ResolvedSetting[];
  /** Sentences to print once at start. */
  readonly notes: readonly string[];
  /** What the file says to plugins, unchecked. */
  readonly forPlugins: readonly FileEntry[];
}

/**
 * Merges the sources: flag > MONOMESH_ > KUMA_ > file > default. Unknown keys and values that do not fit are collected
 * and thrown as one MM201; nothing is ever ignored without a line (ux.md, section 4.3).
 */
export function loadSettings(table: readonly Setting[], sources: SettingSources): LoadedSettings {
  const problems: Violation[] = [];
  const notes: string[] = [];
  const ignoreKuma = sources.env["MONOMESH_IGNORE_KUMA_ENV"] === "1";
  const file = new Map((sources.file ?? []).map((entry) => [entry.path, entry]));
  const resolved = table.map((setting) => resolve(setting, { ...sources, ignoreKuma, entries: file }, problems, notes));
  checkFileKeys(table, sources, problems, notes);
  checkVariables(table, sources, ignoreKuma, problems, notes);
  if (problems.length > 0) {
    throw new MeshError(
      "MM201",
      `the configuration has ${problems.length === 1 ? "a problem" : `${problems.length} problems`}. Nothing was started.`,
      {
        violations: problems,
        todo: "All settings with their defaults: monomesh config show --all",
      },
    );
  }
  const byPath = new Map(resolved.map((each) => [each.setting.path, each]));
  return {
    all: resolved,
    notes,
    forPlugins: (sources.file ?? []).filter((entry) => isForPlugins(table, sources, entry.path)),
    get<T>(setting: Setting<T>): T {
      const found = byPath.get(setting.path);
      if (!found) throw new MeshError("MM900", `setting ${setting.path} is not in the table`);
      return found.value as T;
    },
  };
}

interface Candidate {
  readonly origin: string;
  readonly value: unknown;
  readonly shown: unknown;
}

function resolve(
  setting: Setting,
  sources: SettingSources & { readonly ignoreKuma: boolean; readonly entries: ReadonlyMap<string, FileEntry> },
  problems: Violation[],
  notes: string[],
): ResolvedSetting {
  const candidates: Candidate[] = [];
  const add = (origin: string, shown: unknown, value: unknown) => {
    if (value === undefined) {
      const given = setting.secret ? "the value given" : JSON.stringify(shown);
      problems.push({ field: origin, message: `${setting.path} takes ${setting.type.expects}, not ${given}` });
    } else candidates.push({ origin, value, shown });
  };
  const given = sources.flags?.get(setting.path);
  if (given) add(`flag ${given.flag}`, given.value, setting.type.fromYaml(given.value));
  const names = [
    monomeshVariable(setting.path),
    ...(sources.ignoreKuma || !setting.kumaVariable ? [] : [setting.kumaVariable]),
  ];
  for (const name of names) {
    const raw = sources.env[name];
    if (raw !== undefined) add(`variable ${name}`, raw, setting.type.fromText(raw));
  }
  const entry = sources.entries.get(setting.path);
  if (entry) add(entry.place, entry.value, setting.type.fromYaml(entry.value));
  const [winner, ...losers] = candidates;
  if (!winner) return { setting, value: setting.default, origin: "default" };
  const differing = losers.filter((each) => JSON.stringify(each.value) !== JSON.stringify(winner.value));
  if (differing.length > 0) {
    notes.push(
      `${setting.path} is set differently by ${winner.origin} and ${differing.map((each) => each.origin).join(" and ")}: ${winner.origin} wins`,
    );
  }
  return { setting, value: winner.value, origin: winner.origin };
}

function isForPlugins(table: readonly Setting[], sources: SettingSources, path: string): boolean {
  return sources.pluginPath?.(path) === true && !table.some((setting) => setting.path === path);
}

function checkFileKeys(
  table: readonly Setting[],
  sources: SettingSources,
  problems: Violation[],
  notes: string[],
): void {
  const known = new Set(table.map((setting) => setting.path));
  const unused: string[] = [];
  for (const { path, place } of sources.file ?? []) {
    if (known.has(path) || isForPlugins(table, sources, path)) continue;
    if (sources.kumaOnlyPaths.some((prefix) => path === prefix || path.startsWith(`${prefix}.`))) {
      unused.push(path);
      continue;
    }
    const close = nearest(path, [...known, ...sources.kumaOnlyPaths]);
    problems.push({ field: place, message: `${path} is no setting.${close ? ` Nearest: ${close}` : ""}` });
  }
  if (unused.length > 0) notes.push(`Kuma has these settings, monomesh does not act on them: ${unused.join(", ")}`);
}

function checkVariables(
  table: readonly Setting[],
  sources: SettingSources,
  ignoreKuma: boolean,
  problems: Violation[],
  notes: string[],
): void {
  const ours = new Set(table.map((setting) => monomeshVariable(setting.path)));
  const kumas = new Set(table.flatMap((setting) => (setting.kumaVariable ? [setting.kumaVariable] : [])));
  const unknownKuma: string[] = [];
  for (const name of Object.keys(sources.env)) {
    if (name.startsWith("MONOMESH_") && !ours.has(name) && !sources.foreignVariable(name)) {
      const close = nearest(name, ours);
      problems.push({ field: `variable ${name}`, message: `names no setting.${close ? ` Nearest: ${close}` : ""}` });
    }
    if (name.startsWith("KUMA_") && !kumas.has(name) && !ignoreKuma && !sources.foreignVariable(name))
      unknownKuma.push(name);
  }
  if (unknownKuma.length > 0) {
    notes.push(
      `variables that monomesh does not act on: ${unknownKuma.sort().join(", ")} (MONOMESH_IGNORE_KUMA_ENV=1 if they belong to another program)`,
    );
  }
}
