import { optional, type ZodMiniType } from "zod/mini";
import { list, message, text } from "../model/shape/fields.ts";
import { type TargetRef, TargetRefShape } from "./target-ref.ts";

/** One entry of `to` or `from`: what is said about some destinations or sources. */
export interface PolicyItem<Conf = unknown> {
  readonly targetRef: TargetRef;
  readonly default?: Conf | undefined;
}

/** Which incoming traffic a rule means, by what mutual TLS tells about it. */
export interface RuleMatch {
  readonly spiffeID?: { readonly type?: string | undefined; readonly value?: string | undefined } | undefined;
  readonly sni?: { readonly type?: string | undefined; readonly value?: string | undefined } | undefined;
}

/** One entry of `rules`: what is said about incoming traffic. Without `matches` about all of it. */
export interface PolicyRule<Conf = unknown> {
  readonly matches?: readonly RuleMatch[] | undefined;
  readonly default?: Conf | undefined;
}

/** The spec of every policy; a type has some of the four sections (contract, section 9). Confs are in the form of their shape. */
export interface PolicySpec<Conf = unknown> {
  /** Which proxies it is for; absent means the whole mesh. */
  readonly targetRef?: TargetRef | undefined;
  readonly to?: readonly PolicyItem<Conf>[] | undefined;
  readonly from?: readonly PolicyItem<Conf>[] | undefined;
  readonly rules?: readonly PolicyRule<Conf>[] | undefined;
  readonly default?: Conf | undefined;
}

export type PolicySection = "to" | "from" | "rules" | "default";

/** The shape of a spec with these sections, `conf` being the shape of each `default`. */
export function buildSpecShape(conf: ZodMiniType, sections: readonly PolicySection[]) {
  const item = message({ targetRef: TargetRefShape, default: optional(conf) });
  const matcher = optional(message({ type: optional(text()), value: optional(text()) }));
  const match = message({ spiffeID: matcher, sni: matcher });
  const rule = message({ matches: optional(list(match)), default: optional(conf) });
  return message({
    targetRef: optional(TargetRefShape),
    ...(sections.includes("to") ? { to: optional(list(item)) } : {}),
    ...(sections.includes("from") ? { from: optional(list(item)) } : {}),
    ...(sections.includes("rules") ? { rules: optional(list(rule)) } : {}),
    ...(sections.includes("default") ? { default: optional(conf) } : {}),
  });
}
