import { formatDuration, parseDuration } from "../duration.ts";

/** How a setting's value is read from YAML or from a variable. Returns undefined when the value does not fit. */
export interface SettingType<T> {
  /** For errors: "a port number (1 to 65535)". */
  readonly expects: string;
  fromText(text: string): T | undefined;
  fromYaml(value: unknown): T | undefined;
  /** The value as it would be written in a file. Absent: as it is. */
  toYaml?(value: T): unknown;
}

/** One setting: one path in the configuration file, and everything that follows from it (ux.md, section 4.3). */
export interface Setting<T = unknown> {
  /** `store.sqlite.path`. Its variable is `MONOMESH_STORE_SQLITE_PATH`. */
  readonly path: string;
  readonly type: SettingType<T>;
  readonly default: T;
  /** Kuma's own name of the variable, exactly as Kuma spells it; undefined where Kuma lacks the setting. */
  readonly kumaVariable: string | undefined;
  readonly secret: boolean;
  /** One sentence, with the unit. */
  readonly description: string;
}

/** `dpServer.hds.checkDefaults` -> `DP_SERVER_HDS_CHECK_DEFAULTS`. */
export function variableStem(path: string): string {
  return path
    .split(".")
    .map((part) => part.replace(/([a-z0-9])([A-Z])/g, "$1_$2").replace(/([A-Z]+)([A-Z][a-z])/g, "$1_$2"))
    .join("_")
    .toUpperCase();
}

export function monomeshVariable(path: string): string {
  return `MONOMESH_${variableStem(path)}`;
}

export const text: SettingType<string> = {
  expects: "a text",
  fromText: (value) => value,
  fromYaml: (value) => (typeof value === "string" ? value : undefined),
};

export const flag: SettingType<boolean> = {
  expects: "true or false",
  fromText: (value) => ({ true: true, "1": true, false: false, "0": false })[value.toLowerCase()],
  fromYaml: (value) => (typeof value === "boolean" ? value : undefined),
};

export function integer(min: number, max: number): SettingType<number> {
  const check = (value: number) => (Number.isInteger(value) && value >= min && value <= max ? value : undefined);
  return {
    expects: `a whole number from ${min} to ${max}`,
    fromText: (value) => (/^-?\d+$/.test(value.trim()) ? check(Number(value)) : undefined),
    fromYaml: (value) => (typeof value === "number" ? check(value) : undefined),
  };
}

/** 0 asks the system for a free port. */
export const port: SettingType<number> = { ...integer(0, 65_535), expects: "a port number (0 to 65535)" };

/** Milliseconds inside; Go's syntax outside. */
export const duration: SettingType<number> = {
  expects: "a duration such as 5m, 72h or 250ms",
  fromText: (value) => positive(parseDuration(value.trim())),
  fromYaml: (value) => (typeof value === "string" ? positive(parseDuration(value.trim())) : undefined),
  toYaml: formatDuration,
};

function positive(value: number | undefined): number | undefined {
  return value === undefined || value < 0 ? undefined : value;
}

export const positiveDuration: SettingType<number> = {
  ...duration,
  expects: "a duration above 0 such as 30s or 1m30s",
  fromText: (value) => duration.fromText(value) || undefined,
  fromYaml: (value) => duration.fromYaml(value) || undefined,
};

export function oneOf<const T extends string>(...choices: readonly T[]): SettingType<T> {
  const check = (value: string) => choices.find((choice) => choice === value);
  return {
    expects: `one of ${choices.join(", ")}`,
    fromText: check,
    fromYaml: (value) => (typeof value === "string" ? check(value) : undefined),
  };
}

/** A list of texts; in a variable separated by commas. */
export const list: SettingType<readonly string[]> = {
  expects: "a list of texts",
  fromText: (value) => (value.trim() === "" ? [] : value.split(",").map((part) => part.trim())),
  fromYaml: (value) => (Array.isArray(value) && value.every((part) => typeof part === "string") ? value : undefined),
};

/** A value for people and for `/config`: as it would stand in a file, secrets masked. */
export function shownValue({ type, secret }: Setting, value: unknown): unknown {
  if (secret && value !== "") return "*****";
  return type.toYaml ? type.toYaml(value) : value;
}
