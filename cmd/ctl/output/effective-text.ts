import type { EffectiveTarget, ValueOrigin } from "../../../core/api/policies/effective-values.ts";
import { tableText } from "./table.ts";

/**
 * What policies say about each inbound and each consumed service of a proxy, and where it was said: the text of
 * `inspect dataplane NAME --type policies`. `targets` is the field `effective` of REST's `_rules`.
 */
export function effectiveText(targets: readonly EffectiveTarget[]): string {
  const rows = targets.flatMap((target) =>
    target.values.map(({ policy, field, value, origins }, index) => [
      index === 0 ? targetText(target) : "",
      policy,
      field,
      typeof value === "string" ? value : JSON.stringify(value),
      origins.map(originText).join(", "),
    ]),
  );
  if (rows.length === 0) return "no policy says anything about this proxy; everything has its default\n";
  return tableText(["FOR", "POLICY", "FIELD", "VALUE", "FROM"], rows);
}

function targetText({ direction, name, service }: EffectiveTarget): string {
  return direction === "outbound" ? `to ${name}` : `inbound ${name}${service ? ` (${service})` : ""}`;
}

function originText({ name, section }: ValueOrigin): string {
  return `${name} ${section}`;
}
