import type { SettingType } from "../../kernel/settings/setting.ts";

/**
 * One thing that `dp run` can be told (contract, section 2.1). A flag, a variable or both; Kuma's names are kept, and the
 * variable `MONOMESH_` + rest stands beside Kuma's `KUMA_` + rest.
 */
export interface DpOption<T = unknown> {
  /** Flag without dashes; undefined if there is only a variable. */
  readonly flag: string | undefined;
  readonly short: string | undefined;
  /** Variable without its prefix (`DATAPLANE_NAME`); undefined if there is only a flag. */
  readonly variable: string | undefined;
  /** Kuma lacks it, so there is no variable with Kuma's prefix. */
  readonly ours: boolean;
  readonly type: SettingType<T>;
  readonly default: T;
  /** What the help calls the value; undefined for a switch. */
  readonly takes: string | undefined;
  readonly description: string;
  /** Not in the help: accepted because Kuma has it. */
  readonly hidden: boolean;
  readonly secret: boolean;
  /** The flag may be repeated: its values are joined by commas. */
  readonly repeatable: boolean;
  /**
   * For what Kuma does and monomesh does not do yet: the sentence that stops the start when the value asks for it
   * (undefined: harmless). Nothing that matters is ever ignored.
   */
  refuse(value: T): string | undefined;
}

export interface OptionParts<T> {
  readonly flag?: string;
  readonly short?: string;
  readonly variable?: string;
  readonly ours?: boolean;
  readonly takes?: string;
  readonly hidden?: boolean;
  readonly secret?: boolean;
  readonly repeatable?: boolean;
  readonly refuse?: (value: T) => string | undefined;
}

export function option<T>(
  type: SettingType<T>,
  fallback: NoInfer<T>,
  description: string,
  parts: OptionParts<NoInfer<T>>,
): DpOption<T> {
  return {
    flag: parts.flag,
    short: parts.short,
    variable: parts.variable,
    ours: parts.ours ?? false,
    type,
    default: fallback,
    takes: parts.takes,
    description,
    hidden: parts.hidden ?? false,
    secret: parts.secret ?? false,
    repeatable: parts.repeatable ?? false,
    refuse: parts.refuse ?? (() => undefined),
  };
}

/** `MONOMESH_DATAPLANE_NAME` and `KUMA_DATAPLANE_NAME`. */
export const OUR_PREFIX = "MONOMESH_";
export const KUMA_PREFIX = "KUMA_";
